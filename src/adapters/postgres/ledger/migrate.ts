import { JobError } from "../../../model/job-error.js";
import { ledgerMigrations, migrationTable } from "../../sql/ledger-migrations.js";
import { migrationScript, refuseNewer, refuseOlder, type LedgerVersion } from "../../sql/ledger-version.js";
import type { PooledPostgresClient, PostgresClient } from "../driver.js";
import { LEDGER_TYPES } from "../driver.js";
import { ledgerPlace, POSTGRES_DIALECT, type LedgerPlace } from "./ledger-place.js";

export interface LedgerWish {
  /** Names the ledger in messages. */
  readonly ledger: string;
  readonly schema: string | undefined;
  readonly prefix: string;
  readonly migrate: "run" | "check";
}

/** Finds or makes the ledger. Of many processes that make it at once, one does, and the others wait for it. */
export async function openLedger(client: PooledPostgresClient, wish: LedgerWish): Promise<LedgerPlace> {
  const place = ledgerPlace(wish.schema ?? (await schemaInUse(client, wish)), wish.prefix);
  const known = ledgerMigrations(POSTGRES_DIALECT, place.tables).length;
  const found = await ledgerVersion(client, place);
  refuseNewer(wish.ledger, found, known);
  if (found.version >= known) return place;
  if (wish.migrate === "check") refuseOlder(wish.ledger, found, known);
  await client.query({ text: "begin" });
  try {
    await migrate(client, place, wish.ledger);
    await client.query({ text: "commit" });
  } catch (error) {
    await client.query({ text: "rollback" });
    throw error;
  }
  return place;
}

/** What makes a ledger, or brings one of an older version up: SQL text, to be read and run by hand. */
export function postgresMigrationScript(schema: string | undefined, prefix: string, from: number): string {
  const { tables } = ledgerPlace(schema ?? "", prefix);
  const migrations = ledgerMigrations(POSTGRES_DIALECT, tables);
  const now = "floor(extract(epoch from clock_timestamp()) * 1000)::bigint";
  const script = migrationScript(POSTGRES_DIALECT, tables, migrations, from, now);
  if (schema === undefined) return script;
  return `create schema if not exists ${quoted(schema)};\n\nset search_path to ${quoted(schema)};\n\n${script}`;
}

async function migrate(client: PostgresClient, place: LedgerPlace, ledger: string): Promise<void> {
  const { schema, tables, channel } = place;
  await ask(client, "select pg_advisory_xact_lock(hashtextextended($1, 0))", channel);
  const migrations = ledgerMigrations(POSTGRES_DIALECT, tables);
  const { version, oldestReader } = await ledgerVersion(client, place);
  refuseNewer(ledger, { version, oldestReader }, migrations.length);
  const [there] = await ask(client, "select 1 as there from pg_namespace where nspname = $1", schema);
  if (!there) await client.query({ text: `create schema ${quoted(schema)}` });
  await client.query({ text: `set local search_path to ${quoted(schema)}` });
  await client.query({ text: migrationTable(POSTGRES_DIALECT, tables) });
  for (const [index, { name, oldestReader, statements }] of migrations.entries()) {
    if (index < version) continue;
    for (const text of statements) await client.query({ text });
    await client.query({
      text: `insert into ${tables.migrations} (version, name, oldest_reader, applied_at)
        values ($1, $2, $3, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)`,
      values: [index + 1, name, oldestReader],
    });
  }
}

async function ledgerVersion(client: PostgresClient, { schema, tables }: LedgerPlace): Promise<LedgerVersion> {
  // Asked of the catalogue itself: what `to_regclass` found missing before a wait stays missing to it.
  const there =
    "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = $1 and relname = $2";
  if ((await ask(client, there, schema, tables.migrations)).length === 0) return { version: 0, oldestReader: 0 };
  const table = `${quoted(schema)}.${quoted(tables.migrations)}`;
  const newest = `select version, oldest_reader from ${table} order by version desc limit 1`;
  const [row] = await ask(client, newest);
  return { version: Number(row?.["version"] ?? 0), oldestReader: Number(row?.["oldest_reader"] ?? 0) };
}

// Where the search path finds a ledger, or else where it makes new tables.
async function schemaInUse(client: PostgresClient, { prefix, ledger }: LedgerWish): Promise<string> {
  const text = `select coalesce(
    (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)),
    current_schema()) as schema`;
  const [row] = await ask(client, text, quoted(`${prefix}migrations`));
  const schema = row?.["schema"];
  if (typeof schema === "string") return schema;
  throw new JobError("store_unavailable", {
    message: `The search path names no schema for the ledger ${ledger}.`,
    hint: "Give the store a schema, or the user a search path with a schema that exists.",
    retryable: false,
  });
}

async function ask(
  client: PostgresClient,
  text: string,
  ...values: readonly string[]
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { rows } = await client.query({ text, values: [...values], types: LEDGER_TYPES });
  // As every row of the driver.
  return rows as Record<string, unknown>[];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
