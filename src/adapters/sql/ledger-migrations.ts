import type { LedgerTables } from "./ledger-schema.js";
import { scheduleTables } from "./schedule-tables.js";

/** What the databases of the ledger write differently. */
export interface LedgerDialect {
  /** A number that the database gives, rising and never used twice. */
  readonly autoNumber: string;
  /** Whole numbers up to 2^53, times among them. */
  readonly integer: string;
  readonly real: string;
  /** Text in the order of its characters' codes, whatever the database's language. Default `text`. */
  readonly text?: string;
  /** The same for what is looked up, where an index holds no text of any length. Default as `text`. */
  readonly key?: string;
  /** Text that nothing is ever compared with. Default `text`. */
  readonly body?: string;
  /** Where a change of tables commits by itself: one that was interrupted is begun again, over what is there. Default false. */
  readonly commitsTables?: boolean;
  /**
   * Whether pages of a job are put together from lists, one for each kind of status. An index fewer to write when a run
   * starts, for a page that takes a little longer. Default false.
   */
  readonly mergesPages?: boolean;
  /** What the table of runs holds beside what all have. Default: nothing. */
  readonly inRuns?: readonly string[];
  /** Default: an index for each way in which runs are found, over those of them that are looked for so. */
  readonly indexes?: (runs: string) => readonly string[];
  /** What follows a table's columns. */
  readonly afterRuns: string;
  readonly afterOthers: string;
  readonly afterEvents: string;
}

/** A change of the ledger's tables. One that was released is never edited: the next one corrects it. */
export interface Migration {
  readonly name: string;
  /**
   * The oldest version of the ledger whose library can work on after this change: a change that only adds what older
   * libraries neither miss nor break leaves it as it was.
   */
  readonly oldestReader: number;
  /** In order; run in one transaction. */
  readonly statements: readonly string[];
}

/** The changes that make a ledger. Its version is the number of those that it went through. */
export function ledgerMigrations(dialect: LedgerDialect, tables: LedgerTables): readonly Migration[] {
  return [
    { name: "runs and events", oldestReader: 1, statements: runsAndEvents(dialect, tables) },
    { name: "schedules", oldestReader: 1, statements: scheduleTables(dialect, tables) },
  ];
}

/** The table that says which changes a ledger went through. */
export function migrationTable(
  { integer, body = "text", afterOthers }: LedgerDialect,
  { migrations }: LedgerTables,
): string {
  return `create table if not exists ${migrations} (
  version ${integer} primary key,
  name ${body} not null,
  oldest_reader ${integer} not null,
  applied_at ${integer} not null
)${afterOthers}`;
}

function runsAndEvents(dialect: LedgerDialect, { runs, definitions, events }: LedgerTables): readonly string[] {
  const { autoNumber, integer, real, text = "text", key = text, body = "text", inRuns = [] } = dialect;
  const { indexes = (name) => partialIndexes(dialect, name), afterRuns, afterOthers, afterEvents } = dialect;
  const create = dialect.commitsTables === true ? "create table if not exists" : "create table";
  return [
    `${create} ${runs} (
  seq ${autoNumber},
  id ${key} not null unique,
  job_name ${key} not null,
  definition_hash ${key} not null,
  status ${key} not null
    check (status in ('pending', 'running', 'committing', 'succeeded', 'failed', 'cancelled')),
  listed_as ${key} not null,
  attempt ${integer} not null check (attempt >= 0),
  recoveries ${integer} not null check (recoveries >= 0),
  priority ${real} not null,
  idempotency_key ${text},
  connections ${text} not null,
  concurrency_key ${text},
  job_gate ${text},
  key_gate ${text},
  redrive_of ${key},
  run_at ${integer},
  queue ${key} check (queue in ('ready', 'waiting', 'parked')),
  parked_on ${text},
  start_deadline ${integer},
  created_at ${integer} not null,
  started_at ${integer},
  finished_at ${integer},
  rows_written ${integer},
  snapshot_id ${text},
  error ${text},
  cancel_request ${text},
  commit_id ${text},
  lease_owner ${key},
  lease_expires_at ${integer},
  epoch ${integer} not null check (epoch >= 0),
  last_event_seq ${integer} not null check (last_event_seq >= 0),
  check ((status = 'pending') = (queue is not null)),
  check ((coalesce(queue, '') = 'parked') = (parked_on is not null)),
  check ((status in ('running', 'committing')) = (lease_owner is not null)),
  check ((lease_owner is null) = (lease_expires_at is null)),
  check ((status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)),
  ${["check (listed_as = case when status in ('running', 'committing') then 'active' else status end)", ...inRuns].join(",\n  ")}
)${afterRuns}`,
    ...indexes(runs),
    `${create} ${definitions} (
  run_seq ${integer} primary key,
  definition ${body} not null,
  parameters ${body} not null
)${afterOthers}`,
    `${create} ${events} (
  run_seq ${integer} not null,
  seq ${integer} not null,
  at ${integer} not null,
  attempt ${integer} not null,
  body ${body} not null,
  primary key (run_seq, seq)
)${afterEvents}`,
  ];
}

function partialIndexes({ mergesPages = false }: LedgerDialect, runs: string): readonly string[] {
  return [
    `create unique index ${runs}_idempotency_key on ${runs} (idempotency_key) where idempotency_key is not null`,
    // Pages: newest first, by job and by status. Those under way are few, and sorted for each page: were they listed, each
    // run would enter and leave two more places of every list.
    ...(mergesPages ? [] : [`create index ${runs}_job on ${runs} (job_name, seq)`]),
    `create index ${runs}_job_listed on ${runs} (job_name, listed_as, seq) where listed_as <> 'active'`,
    `create index ${runs}_listed on ${runs} (listed_as, seq) where listed_as <> 'active'`,
    // Claims: what is ready in its order, what waits for its time or behind a gate, what has a deadline.
    `create index ${runs}_ready on ${runs} (connections, priority desc, seq) where queue = 'ready'`,
    `create index ${runs}_waiting on ${runs} (run_at, priority desc, seq) where queue = 'waiting'`,
    `create index ${runs}_parked on ${runs} (parked_on, priority desc, seq) where queue = 'parked'`,
    `create index ${runs}_deadline on ${runs} (start_deadline, seq)
  where queue is not null and started_at is null and start_deadline is not null`,
    // What is under way: whose, and behind which gates.
    `create index ${runs}_active on ${runs} (lease_owner, seq) where lease_owner is not null`,
    `create index ${runs}_job_gate on ${runs} (job_gate) where lease_owner is not null and job_gate is not null`,
    `create index ${runs}_key_gate on ${runs} (key_gate) where lease_owner is not null and key_gate is not null`,
    // Retention: the oldest of each kind of end.
    `create index ${runs}_finished on ${runs} (listed_as, finished_at, seq) where finished_at is not null`,
  ];
}
