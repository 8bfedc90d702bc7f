import type { CancelOutcome } from "../../src/model/run.js";
import type { StopReport } from "../../src/executor/job-executor.js";
import type { CrashPoint } from "../../src/testing/crash-points.js";
import type { BrokenLaw } from "./broken-laws.js";
import type { PlannedRun, Slot } from "./chaos-plan.js";
import type { LedgerPlace } from "./ledger-place.js";

/** What a process is told when it starts. */
export interface ChildSetup extends Slot {
  readonly seed: number;
  readonly ledger: LedgerPlace;
  /** The destinations' files. */
  readonly files: DestinationFiles;
  readonly leaseMs: number;
  readonly lateMs: number;
  readonly broken: BrokenLaw | null;
}

export interface DestinationFiles {
  readonly a: string;
  readonly b: string;
  readonly late: string;
}

/** The exit code of a process that did not find its ledger when it started. */
export const LEDGER_AWAY = 75;

/** What a process is asked to do, and what it answers. */
export interface Commands {
  readonly submit: { readonly asked: readonly PlannedRun[]; readonly answer: readonly SubmitAnswer[] };
  readonly cancel: { readonly asked: string; readonly answer: CancelOutcome };
  readonly arm: { readonly asked: { point: CrashPoint; signal: "SIGKILL" | "SIGSTOP" }; readonly answer: null };
  readonly stop: { readonly asked: "drain" | "cancel"; readonly answer: StopReport };
}

export type SubmitAnswer =
  | { readonly tag: string; readonly runId: string; readonly created: boolean }
  | { readonly tag: string; readonly refused: string };

export type Command = {
  [K in keyof Commands]: { readonly call: number; readonly do: K; readonly asked: Commands[K]["asked"] };
}[keyof Commands];

/** What a process tells. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly call: number; readonly answer?: unknown; readonly error?: string }
  /** The name under which it holds leases. */
  | { readonly kind: "owner"; readonly owner: string }
  /** It is about to end or to stop at the point for which it was armed. */
  | { readonly kind: "reached"; readonly point: CrashPoint }
  /** It was kept from its processor or its ledger for long enough to lose a lease. */
  | { readonly kind: "stalled" }
  | { readonly kind: "tail"; readonly runId: string; readonly seqs: readonly number[] };
