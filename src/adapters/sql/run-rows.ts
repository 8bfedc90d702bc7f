import { isWaiting } from "../../model/apply-claim.js";
import { gatesOf, type ConcurrencyGate } from "../../model/concurrency-gate.js";
import type { RunDefinition } from "../../model/job-definition.js";
import { JobError } from "../../model/job-error.js";
import { frozenCopy } from "../../model/plain-copy.js";
import type { RunEvent, RunEventBody } from "../../model/run-event.js";
import type { RunRecord } from "../../model/run-record.js";
import { isRunStatus, type RunStatus } from "../../model/run-status.js";
import type { CancelRequest, JobRun, Lease } from "../../model/run.js";
import type { EventRow, FullRow, RunRow } from "./ledger-schema.js";

/** A row as the database numbers it. */
export type NewRunRow = Omit<RunRow, "seq">;

/** What a record is in its row; `now` decides whether a pending run waits. */
export function rowOf(record: RunRecord, now: number): NewRunRow {
  const { run } = record;
  const gates = gatesOf(run);
  const gate = (kind: ConcurrencyGate["kind"]): string | null => gates.find((one) => one.kind === kind)?.name ?? null;
  return {
    id: run.id,
    job_name: run.jobName,
    definition_hash: run.definitionHash,
    priority: run.priority,
    idempotency_key: jsonOf(run.idempotencyKey),
    connections: JSON.stringify(run.connections),
    concurrency_key: jsonOf(run.concurrencyKey),
    job_gate: jsonOf(gate("job")),
    key_gate: jsonOf(gate("key")),
    redrive_of: run.redriveOf,
    start_deadline: timeOf(run.startDeadline),
    created_at: run.createdAt.getTime(),
    ...stepRowOf(record, now),
  };
}

/** The part of a row that steps change. */
export type StepRow = ReturnType<typeof stepRowOf>;

export function stepRowOf({ run, epoch }: RunRecord, now: number) {
  return {
    status: run.status,
    listed_as: listedAs(run.status),
    attempt: run.attempt,
    recoveries: run.recoveries,
    run_at: timeOf(run.runAt),
    queue: queueOf(run, now),
    parked_on: null,
    started_at: timeOf(run.startedAt),
    finished_at: timeOf(run.finishedAt),
    rows_written: run.rowsWritten,
    snapshot_id: jsonOf(run.snapshotId),
    error: jsonOf(run.error),
    cancel_request: jsonOf(run.cancelRequest),
    commit_id: run.commitId,
    lease_owner: run.lease?.owner ?? null,
    lease_expires_at: timeOf(run.lease?.expiresAt ?? null),
    epoch,
    last_event_seq: run.lastEventSeq,
  };
}

/**
 * The record in a row. Throws `store_unavailable` naming the run when somebody changed it into what is none.
 *
 * @param read makes a definition of its text; may throw.
 */
export function recordOf(row: FullRow, read: (text: string) => RunDefinition = JSON.parse): RunRecord {
  if (!isRunStatus(row.status)) throw unreadableRun(row.id, `its status is ${JSON.stringify(row.status)}`);
  const { id } = row;
  const cancelRequest = optional<CancelRequest>(id, "cancel request", row.cancel_request);
  const run: JobRun = {
    id,
    jobName: row.job_name,
    definitionHash: row.definition_hash,
    definition: parsed(id, "definition", row.definition, read),
    parameters: parsed(id, "parameters", row.parameters, readFrozen),
    status: row.status,
    attempt: row.attempt,
    recoveries: row.recoveries,
    priority: row.priority,
    idempotencyKey: optional(id, "idempotency key", row.idempotency_key),
    connections: parsed(id, "connections", row.connections, readFrozen),
    concurrencyKey: optional(id, "concurrency key", row.concurrency_key),
    redriveOf: row.redrive_of,
    runAt: dateOf(row.run_at),
    startDeadline: dateOf(row.start_deadline),
    createdAt: new Date(row.created_at),
    startedAt: dateOf(row.started_at),
    finishedAt: dateOf(row.finished_at),
    rowsWritten: row.rows_written,
    snapshotId: optional(id, "snapshot id", row.snapshot_id),
    error: optional(id, "error", row.error),
    cancelRequest: cancelRequest && { ...cancelRequest, at: new Date(cancelRequest.at) },
    commitId: row.commit_id,
    lease: leaseOf(row),
    lastEventSeq: row.last_event_seq,
  };
  return { run, epoch: row.epoch };
}

export function eventRowOf({ runId: _, seq, at, attempt, ...body }: RunEvent, runSeq: number): EventRow {
  return { run_seq: runSeq, seq, at: at.getTime(), attempt, body: JSON.stringify(body) };
}

export function eventOf(runId: string, { seq, at, attempt, body: text }: EventRow): RunEvent {
  const body = parsed<RunEventBody>(runId, `event ${seq}`, text);
  const own = { runId, seq, at: new Date(at), attempt };
  if (body.type !== "run.retrying" || body.nextAttemptAt === null) return { ...body, ...own };
  return { ...body, nextAttemptAt: new Date(body.nextAttemptAt), ...own };
}

export function listedAs(status: RunStatus): RunRow["listed_as"] {
  return status === "running" || status === "committing" ? "active" : status;
}

function queueOf(run: JobRun, now: number): RunRow["queue"] {
  if (run.status !== "pending") return null;
  return isWaiting(run, now) ? "waiting" : "ready";
}

function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function optional<T>(runId: string, what: string, text: string | null): T | null {
  return text === null ? null : parsed<T>(runId, what, text);
}

function parsed<T>(runId: string, what: string, text: string | null, read: (text: string) => unknown = JSON.parse): T {
  if (text === null) throw unreadableRun(runId, `its ${what} is missing`);
  try {
    return read(text) as T;
  } catch {
    throw unreadableRun(runId, `its ${what} is not JSON`);
  }
}

/** Shared by all copies of a run. */
function readFrozen(text: string): unknown {
  return frozenCopy(JSON.parse(text) as unknown);
}

function timeOf(date: Date | null): number | null {
  return date && date.getTime();
}

function dateOf(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}

function leaseOf({ lease_owner: owner, lease_expires_at: expiresAt, epoch }: FullRow): Lease | null {
  return owner === null || expiresAt === null ? null : { owner, epoch, expiresAt: new Date(expiresAt) };
}

function unreadableRun(runId: string, reason: string): JobError {
  return new JobError("store_unavailable", {
    runId,
    message: `The ledger's row of run ${JSON.stringify(runId)} cannot be read: ${reason}.`,
    hint: "Somebody changed the ledger by hand. Repair or delete that row; other runs are not touched by it.",
    retryable: false,
  });
}
