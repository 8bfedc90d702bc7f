import type { RunEvent } from "../../src/model/run-event.js";
import type { CancelOutcome, JobRun } from "../../src/model/run.js";
import type { PlannedRun } from "./chaos-plan.js";

/** All that is known of a trial when it is over: what the ledger and the destinations hold, and what the processes said. */
export interface History {
  readonly planned: readonly PlannedRun[];
  /** By tag. */
  readonly submits: ReadonlyMap<string, SubmitFacts>;
  readonly runs: readonly JobRun[];
  readonly events: ReadonlyMap<string, readonly RunEvent[]>;
  /** In the destinations, all tables together. */
  readonly written: readonly WrittenRows[];
  readonly commits: readonly CommitRow[];
  /** Tags in the table that the host changed in the transactions in which it submitted. */
  readonly hostChanges: ReadonlySet<string>;
  /** The runs as they were when the watcher first saw them ended. */
  readonly firstEnds: ReadonlyMap<string, JobRun>;
  /** By the name of a gate: the most runs that one page of the ledger showed behind it. */
  readonly mostBehind: ReadonlyMap<string, number>;
  readonly cancels: readonly { readonly runId: string; readonly outcome: CancelOutcome }[];
  /** The logs that processes followed while they grew, from the first event to the last. */
  readonly tails: readonly { readonly runId: string; readonly seqs: readonly number[] }[];
  /** Owners that were killed, paused or kept from the ledger, so that their leases could end. */
  readonly excused: ReadonlySet<string>;
  /** How processes ended that nobody killed and that were not asked to stop. */
  readonly crashes: readonly string[];
}

/** The tag with which a run was submitted. */
export function tagOf({ parameters }: JobRun): string {
  const { tag } = parameters;
  return typeof tag === "string" ? tag : "";
}

/** What became of the submits of one tag. */
export interface SubmitFacts {
  readonly answers: readonly { readonly runId: string; readonly created: boolean }[];
  /** Submits whose process died, or whose ledger did not answer: their runs may be there. */
  readonly unanswered: number;
  readonly refused: readonly string[];
}

export interface WrittenRows {
  readonly tag: string;
  readonly rows: number;
  /** How many of them differ. */
  readonly distinct: number;
}

export interface CommitRow {
  readonly commitId: string;
  readonly state: string;
  readonly rowsWritten: number;
}

/** Something that must not be. */
export interface Violation {
  /** Names what was broken; the same for all of a kind. */
  readonly rule: string;
  readonly runId: string | null;
  readonly message: string;
}
