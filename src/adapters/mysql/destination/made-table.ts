import type { MysqlClient } from "../mysql-client.js";
import type { TablePlace } from "./place.js";

/** How long others are waited for who have looked at the table meanwhile. */
const WAIT_SECONDS = 2;
const ANSWER_MS = 10_000;

/** Takes a table away again that was made for rows which then did not come. Whoever has put rows into it keeps it. */
export async function dropIfEmpty(client: MysqlClient, { name }: TablePlace): Promise<void> {
  const run = (text: string) => client.ask(text, { timeoutMs: ANSWER_MS });
  await run(`set session lock_wait_timeout = ${WAIT_SECONDS}`);
  await run(`lock tables ${name} write`);
  const { rows } = await run(`select 1 from ${name} limit 1`);
  if (rows.length === 0) await run(`drop table ${name}`);
  await run("unlock tables");
}
