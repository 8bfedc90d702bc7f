import { createHash } from "node:crypto";
import { JobError } from "../../../model/job-error.js";
import { ledgerMigrations, type LedgerDialect, type Migration } from "../../sql/ledger-migrations.js";
import { ledgerTables, type LedgerTables } from "../../sql/ledger-schema.js";

/** InnoDB, since all else in a database may lack transactions. */
const AFTER = " engine=innodb row_format=dynamic default charset=utf8mb4 collate=utf8mb4_bin";

/** How many bytes a text may have that is looked up. An index holds 3,072, for all of its columns. */
export const LONGEST_KEY = 700;

/**
 * Text as bytes: compared byte by byte, with its case and with the spaces at its end, which the collations of text that both
 * MySQL and MariaDB know leave out; and told to clients of any character set as it is.
 *
 * Neither database has partial indexes: what is looked for stands in columns of its own, which the database itself keeps and
 * which are null for all other rows.
 */
export const MYSQL_DIALECT: LedgerDialect = {
  autoNumber: "bigint not null auto_increment primary key",
  integer: "bigint",
  real: "double",
  text: "longblob",
  body: "longblob",
  key: `varbinary(${LONGEST_KEY})`,
  commitsTables: true,
  inRuns: [
    // As `shortened` makes them of the idempotency key, of the connections and of the line that a run is parked in.
    "short_key varbinary(200) unique",
    "short_line varbinary(200) not null",
    "short_parked varbinary(200)",
    `stands varbinary(201) generated always as (case queue
    when 'ready' then concat('r', short_line) when 'parked' then concat('p', short_parked) end) stored`,
    "waiting_at bigint generated always as (case queue when 'waiting' then run_at end) stored",
    `deadline_at bigint generated always as (
    case when queue is not null and started_at is null then start_deadline end) stored`,
    "key job (job_name, listed_as, seq)",
    "key listed (listed_as, seq)",
    "key stands (stands, priority desc, seq)",
    "key waiting (waiting_at, priority desc, seq)",
    "key deadline (deadline_at, seq)",
    "key active (lease_owner, seq)",
    "key finished (listed_as, finished_at, seq)",
  ],
  indexes: () => [],
  afterRuns: AFTER,
  afterOthers: AFTER,
  afterEvents: AFTER,
};

/** Gates are locked by their stripe, of which there are so many: two that share one only wait for each other. */
const STRIPES = 512;

export interface MysqlTables extends LedgerTables {
  /** One row for each stripe. */
  readonly gates: string;
  /** What each process said last. */
  readonly announcements: string;
}

/** Where a ledger lies. */
export interface LedgerPlace {
  readonly database: string;
  readonly tables: MysqlTables;
}

export function ledgerPlace(database: string, prefix: string): LedgerPlace {
  const tables = { ...ledgerTables(prefix), gates: `${prefix}gates`, announcements: `${prefix}announcements` };
  return { database, tables };
}

/** The changes that make a ledger: the common ones, each with what only MySQL adds to it. All may be run again. */
export function mysqlMigrations(tables: MysqlTables): readonly Migration[] {
  const own: Readonly<Record<string, readonly string[]>> = {
    "runs and events": [
      `create table if not exists ${tables.gates} (stripe int not null primary key)${AFTER}`,
      `insert into ${tables.gates} (stripe)
  with recursive n (stripe) as (select 0 union all select stripe + 1 from n where stripe < ${STRIPES - 1})
  select stripe from n where stripe not in (select stripe from ${tables.gates})`,
      `create table if not exists ${tables.announcements} (
  origin varbinary(64) not null primary key,
  number bigint not null,
  said_at bigint not null,
  payload varbinary(1000) not null
)${AFTER}`,
    ],
  };
  return ledgerMigrations(MYSQL_DIALECT, tables).map((step) => ({
    ...step,
    statements: [...step.statements, ...(own[step.name] ?? [])],
  }));
}

const LONGEST_AS_IT_IS = 150;

/** A text that an index holds, different for each: itself, or for a long one what stands for it. */
export function shortened(text: string): string {
  return Buffer.byteLength(text) <= LONGEST_AS_IT_IS ? text : `#${digest(text)}`;
}

/** Begins the lines before a gate, in the order of the index. */
export function parkedBefore(gate: string): string {
  return `${digest(gate)}:`;
}

/** A line before a gate. */
export function shortParked(gate: string, line: string): string {
  return `${parkedBefore(gate)}${digest(line)}`;
}

export function stripeOf(gate: string): number {
  return createHash("sha256").update(gate).digest().readUInt32BE() % STRIPES;
}

/** Throws `invalid_definition` for a prefix that cannot begin the names of tables as it is. */
export function checkedPrefix(prefix: string): string {
  if (/^([a-z_][a-z0-9_]{0,39})?$/.test(prefix)) return prefix;
  throw new JobError("invalid_definition", {
    field: "tablePrefix",
    message: `${JSON.stringify(prefix)} is no prefix for the ledger's tables.`,
    hint: "Use at most 40 small letters, digits and underscores, not a digit first.",
  });
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
