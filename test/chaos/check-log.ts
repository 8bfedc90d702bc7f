import { isTerminal, mayMove, type RunStatus } from "../../src/model/run-status.js";
import type { RunEvent } from "../../src/model/run-event.js";
import type { JobRun } from "../../src/model/run.js";
import type { Violation } from "./history.js";

/** Where a run stands after an event; undefined: where it stood before. */
const STATUS_AFTER: Readonly<Partial<Record<RunEvent["type"], RunStatus>>> = {
  "run.pending": "pending",
  "run.running": "running",
  "run.committing": "committing",
  "run.retrying": "pending",
  "run.succeeded": "succeeded",
  "run.failed": "failed",
  "run.cancelled": "cancelled",
};

/** Where a run must stand for an event that moves nothing. */
const STATUS_DURING: Readonly<Partial<Record<RunEvent["type"], RunStatus>>> = {
  "run.progress": "running",
  "run.cancel_requested": "running",
  "run.commit_in_doubt": "committing",
};

/**
 * One run's log against its row: numbered from 1 without gaps, in the order of time; each step along `RUN_TRANSITIONS`,
 * beginning with `run.pending` and ending with the run's status; nothing after a terminal event; no commit point after a
 * wish to cancel; only failures count as attempts.
 */
export function checkLog(run: JobRun, events: readonly RunEvent[]): readonly Violation[] {
  const found: Violation[] = [];
  const tell = (rule: string, message: string): void => {
    found.push({ rule, runId: run.id, message });
  };
  let status: RunStatus | null = null;
  let at = 0;
  let failures = 0;
  let cancelRequested = false;
  // A retry sets the row's `runAt` anew: after one it no longer tells of the first attempt.
  const retried = events.some((event) => event.type === "run.retrying" && event.cause === "error");
  const notBefore = retried ? 0 : (run.runAt?.getTime() ?? 0);

  events.forEach((event, index) => {
    if (event.seq !== index + 1) tell("seq", `event ${index + 1} has number ${event.seq}`);
    if (event.runId !== run.id) tell("seq", `event ${event.seq} is of run ${event.runId}`);
    if (event.at.getTime() < at) tell("time", `event ${event.seq} is older than the one before`);
    at = Math.max(at, event.at.getTime());

    const next = STATUS_AFTER[event.type];
    const during = STATUS_DURING[event.type];
    if (next !== undefined && !(status === null ? next === "pending" && index === 0 : mayMove(status, next))) {
      tell("transition", `event ${event.seq}, ${event.type}, while the run was ${status ?? "not there"}`);
    }
    if (during !== undefined && during !== status) {
      tell("transition", `event ${event.seq}, ${event.type}, while the run was ${status ?? "not there"}`);
    }
    if (event.type === "run.running") {
      if (event.attempt !== failures + 1) {
        tell("attempt", `attempt ${event.attempt} began after ${failures} failures`);
      }
      if (at < notBefore) tell("run_at", "it began before its runAt");
      if (run.startDeadline !== null && at > run.startDeadline.getTime() && run.startedAt?.getTime() === at) {
        tell("deadline", "its first attempt began after its start deadline");
      }
    }
    if (event.type === "run.retrying" && event.cause === "error") failures += 1;
    if (event.type === "run.committing" && cancelRequested) tell("cancel", "a permit after a wish to cancel");
    cancelRequested ||= event.type === "run.cancel_requested";
    status = next ?? status;
  });

  if (status !== run.status) tell("status", `the run is ${run.status}, its log says ${status ?? "nothing"}`);
  if (run.lastEventSeq !== events.length)
    tell("seq", `the run has ${run.lastEventSeq} events, its log ${events.length}`);
  if (isTerminal(run.status) && run.finishedAt?.getTime() !== at)
    tell("time", "finishedAt is not its last event's time");
  if (isTerminal(run.status) !== (run.finishedAt !== null)) tell("time", `finishedAt of a run that is ${run.status}`);
  const { maxAttempts, maxRecoveries } = run.definition.execution;
  if (failures >= maxAttempts) tell("attempt", `${failures} retries with maxAttempts ${maxAttempts}`);
  const recoveries = events.filter((event) => event.type === "run.retrying" && event.cause === "recovered").length;
  if (recoveries > maxRecoveries) tell("attempt", `${recoveries} recoveries with maxRecoveries ${maxRecoveries}`);
  return found;
}
