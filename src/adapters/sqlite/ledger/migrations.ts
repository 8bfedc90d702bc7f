/** A change of the ledger's tables. One that was released is never edited: the next one corrects it. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** The version of a ledger is the number of these that it went through. */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: "runs, events, sessions",
    sql: `
      create table runs (
        seq integer primary key autoincrement,
        id text not null unique,
        job_name text not null,
        definition_hash text not null,
        status text not null
          check (status in ('pending', 'running', 'committing', 'succeeded', 'failed', 'cancelled')),
        attempt integer not null check (attempt >= 0),
        recoveries integer not null check (recoveries >= 0),
        priority real not null,
        idempotency_key text,
        run_at integer,
        queue text check (queue in ('ready', 'waiting')),
        start_deadline integer,
        created_at integer not null,
        started_at integer,
        finished_at integer,
        rows_written integer,
        snapshot_id text,
        error text,
        cancel_request text,
        commit_id text,
        lease_owner text,
        lease_expires_at integer,
        lease_session integer,
        epoch integer not null check (epoch >= 0),
        last_event_seq integer not null check (last_event_seq >= 0),
        check ((status = 'pending') = (queue is not null)),
        check ((status in ('running', 'committing')) = (lease_owner is not null)),
        check ((lease_owner is null) = (lease_expires_at is null)),
        check ((status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
      ) strict;

      create unique index runs_idempotency_key on runs (idempotency_key) where idempotency_key is not null;
      -- Pages: newest first, by job and by status.
      create index runs_job on runs (job_name, seq);
      create index runs_job_status on runs (job_name, status, seq);
      create index runs_status on runs (status, seq);
      -- Claims: what is ready in its order, what waits, what has a deadline.
      create index runs_ready on runs (priority desc, seq) where queue = 'ready';
      create index runs_waiting on runs (run_at, priority desc, seq) where queue = 'waiting';
      create index runs_deadline on runs (start_deadline, seq)
        where queue is not null and started_at is null and start_deadline is not null;
      create index runs_finished on runs (finished_at, seq) where finished_at is not null;

      create table run_definitions (
        run_seq integer primary key,
        definition text not null,
        parameters text not null
      ) strict;

      create table run_events (
        run_seq integer not null,
        seq integer not null,
        at integer not null,
        attempt integer not null,
        body text not null,
        primary key (run_seq, seq)
      ) strict, without rowid;

      create table ledger_sessions (
        id integer primary key autoincrement,
        opened_at integer not null
      ) strict;`,
  },
];
