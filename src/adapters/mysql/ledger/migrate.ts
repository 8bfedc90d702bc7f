import { createHash } from "node:crypto";
import { JobError } from "../../../model/job-error.js";
import { migrationTable } from "../../sql/ledger-migrations.js";
import { migrationScript, refuseNewer, refuseOlder, type LedgerVersion } from "../../sql/ledger-version.js";
import { quotedName } from "../quoted-name.js";
import type { LedgerClient } from "./ledger-client.js";
import { ledgerPlace, MYSQL_DIALECT, mysqlMigrations, type LedgerPlace, type MysqlTables } from "./ledger-place.js";

export interface LedgerWish {
  /** Names the ledger in messages. */
  readonly ledger: string;
  /** Made when it is not there. Undefined: that of the connection. */
  readonly database: string | undefined;
  readonly prefix: string;
  readonly migrate: "run" | "check";
}

/** How long one process waits for another one that makes the ledger. */
const MAKING_SECONDS = 60;

const NOW = "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) div 1000";

/** Finds or makes the ledger. Of many processes that make it at once, one does, and the others wait for it. */
export async function openLedger(client: LedgerClient, wish: LedgerWish): Promise<LedgerPlace> {
  const place = ledgerPlace(wish.database ?? (await databaseInUse(client, wish)), wish.prefix);
  const known = mysqlMigrations(place.tables).length;
  const found = await ledgerVersion(client, place);
  refuseNewer(wish.ledger, found, known);
  if (found.version >= known) return place;
  if (wish.migrate === "check") refuseOlder(wish.ledger, found, known);
  // No transaction: a change of tables commits by itself. Each may be run again when it was interrupted.
  const lock = `millrace:${digest(JSON.stringify([place.database, wish.prefix]))}`;
  const { rows } = await client.once<{ locked: number | null }>(
    "select get_lock(?, ?) as locked",
    lock,
    MAKING_SECONDS,
  );
  if (rows[0]?.locked !== 1) throw madeElsewhere(wish.ledger);
  try {
    await migrate(client, place, wish.ledger);
    await client.say("commit");
  } finally {
    await client.once("select release_lock(?)", lock);
  }
  return place;
}

/** What makes a ledger, or brings one of an older version up: SQL text, to be read and run by hand. */
export function mysqlMigrationScript(database: string | undefined, prefix: string, from: number): string {
  const { tables } = ledgerPlace(database ?? "", prefix);
  const script = migrationScript(MYSQL_DIALECT, tables, mysqlMigrations(tables), from, NOW);
  if (database === undefined) return script;
  return `create database if not exists ${quotedName(database)};\n\nuse ${quotedName(database)};\n\n${script}`;
}

async function migrate(client: LedgerClient, place: LedgerPlace, ledger: string): Promise<void> {
  const tables = qualified(place);
  const migrations = mysqlMigrations(tables);
  const found = await ledgerVersion(client, place);
  refuseNewer(ledger, found, migrations.length);
  // A name that is taken by somebody else's table would pass for one that was made before an interruption.
  if (!found.begun) await refuseTaken(client, place, ledger);
  if (!(await isThere(client, place.database))) await client.say(`create database ${quotedName(place.database)}`);
  await client.say(migrationTable(MYSQL_DIALECT, tables));
  for (const [index, { name, oldestReader, statements }] of migrations.entries()) {
    if (index < found.version) continue;
    for (const text of statements) await client.say(text);
    await client.once(
      `insert into ${tables.migrations} (version, name, oldest_reader, applied_at) values (?, ?, ?, ${NOW})`,
      index + 1,
      name,
      oldestReader,
    );
    await client.say("commit");
  }
}

interface FoundVersion extends LedgerVersion {
  /** Whether somebody has begun to make it. */
  readonly begun: boolean;
}

async function ledgerVersion(client: LedgerClient, place: LedgerPlace): Promise<FoundVersion> {
  const there = await tablesThere(client, place, [place.tables.migrations]);
  if (there.length === 0) return { version: 0, oldestReader: 0, begun: false };
  const { rows } = await client.say<{ version: number; oldest_reader: number }>(
    `select version, oldest_reader from ${qualified(place).migrations} order by version desc limit 1`,
  );
  return { version: rows[0]?.version ?? 0, oldestReader: rows[0]?.oldest_reader ?? 0, begun: true };
}

async function refuseTaken(client: LedgerClient, place: LedgerPlace, ledger: string): Promise<void> {
  const [taken] = await tablesThere(client, place, Object.values(place.tables));
  if (taken === undefined) return;
  throw new JobError("store_incompatible", {
    message: `The ledger ${ledger} cannot be made: there is a table ${taken} already, which is not its own.`,
    hint: "Give a tablePrefix or a database of its own.",
  });
}

async function tablesThere(
  client: LedgerClient,
  { database }: LedgerPlace,
  names: readonly string[],
): Promise<readonly string[]> {
  const places = names.map(() => "?").join(", ");
  const { rows } = await client.once<{ name: string }>(
    `select cast(table_name as binary) as name from information_schema.tables
     where table_schema = convert(? using utf8mb4) and table_name in (${places})`,
    database,
    ...names,
  );
  return rows.map(({ name }) => name);
}

async function isThere(client: LedgerClient, database: string): Promise<boolean> {
  const text = "select 1 as there from information_schema.schemata where schema_name = convert(? using utf8mb4)";
  return (await client.once(text, database)).rows.length > 0;
}

async function databaseInUse(client: LedgerClient, { ledger }: LedgerWish): Promise<string> {
  const { rows } = await client.say<{ name: string | null }>("select cast(database() as binary) as name");
  const name = rows[0]?.name;
  if (typeof name === "string") return name;
  throw new JobError("store_unavailable", {
    message: `The connection of the ledger ${ledger} uses no database.`,
    hint: "Name one in the url, or give the store a database.",
    retryable: false,
  });
}

function qualified({ database, tables }: LedgerPlace): MysqlTables {
  const named = (name: string): string => `${quotedName(database)}.${quotedName(name)}`;
  return {
    runs: named(tables.runs),
    definitions: named(tables.definitions),
    events: named(tables.events),
    schedules: named(tables.schedules),
    occurrences: named(tables.occurrences),
    backfills: named(tables.backfills),
    migrations: named(tables.migrations),
    gates: named(tables.gates),
    announcements: named(tables.announcements),
  };
}

function madeElsewhere(ledger: string): JobError {
  return new JobError("store_unavailable", {
    message: `For ${MAKING_SECONDS} s another process has been making the ledger ${ledger}.`,
    hint: "Look whether it is stopped, or stuck behind a lock; then open the store again.",
    nothingStored: true,
  });
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 40);
}
