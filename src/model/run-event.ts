import type { RunError } from "./run.js";
import type { CommitId } from "./write-mode.js";

/** What happened, before the store numbers and dates it. */
export type RunEventBody =
  | { readonly type: "run.pending"; readonly jobName: string }
  | { readonly type: "run.running"; readonly owner: string }
  /** Rows and bytes that the destination has taken so far in this attempt; none of them is visible yet. */
  | { readonly type: "run.progress"; readonly rows: number; readonly bytes: number | null }
  | { readonly type: "run.committing"; readonly commitId: CommitId; readonly rowsStaged: number }
  /** Nobody can know yet whether the commit landed. The run stays `committing`. */
  | { readonly type: "run.commit_in_doubt"; readonly commitId: CommitId; readonly reason: string }
  | {
      readonly type: "run.retrying";
      /** `error`: an attempt failed; `recovered`: the owner died; `handed_back`: the owner stopped. */
      readonly cause: "error" | "recovered" | "handed_back";
      readonly error: RunError | null;
      readonly nextAttemptAt: Date | null;
    }
  | { readonly type: "run.cancel_requested"; readonly reason: string | null }
  | { readonly type: "run.succeeded"; readonly rowsWritten: number; readonly snapshotId: string | null }
  | { readonly type: "run.failed"; readonly error: RunError }
  | { readonly type: "run.cancelled"; readonly reason: string | null };

/** One entry of a run's log. `seq` counts from 1 without gaps. */
export type RunEvent = RunEventBody & {
  readonly runId: string;
  readonly seq: number;
  readonly at: Date;
  /** The attempt during which it happened; 0 before the first. */
  readonly attempt: number;
};

export type RunEventType = RunEventBody["type"];

/** Whether no further event follows this one. */
export function isLastEvent(event: { readonly type: RunEventType }): boolean {
  return event.type === "run.succeeded" || event.type === "run.failed" || event.type === "run.cancelled";
}
