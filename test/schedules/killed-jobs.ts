import { defineJob } from "../../src/jobs/define-job.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { LedgerPlace } from "../chaos/ledger-place.js";

/** What a process of the trial is told when it starts, as JSON in its first argument. */
export interface KilledSetup {
  readonly ledger: LedgerPlace;
  /** The destination's. */
  readonly file: string;
  readonly leaseMs: number;
  /** The range that it fills in, in milliseconds since 1970; null: another process has begun that. */
  readonly backfill: { readonly from: number; readonly to: number } | null;
}

/** What a process tells. */
export type KilledReport = { readonly ready: true } | { readonly triggered: string } | { readonly done: true };

const loading = (name: string) =>
  defineJob({
    name,
    query: "select {tag} as tag, i as n from range({rows}) t(i)",
    params: { tag: "VARCHAR", rows: "BIGINT" },
    destination: { table: `out.${name}`, createIfMissing: true },
    // More than are killed.
    execution: { maxRecoveries: 50 },
  });
export const KILLED_JOBS = [loading("ticks"), loading("asked"), loading("filled")] as const;
const [ticks, asked, filled] = KILLED_JOBS;
const COMMON = { params: { rows: 1 }, times: { tag: "nominal" }, overlap: "allow", startImmediately: false } as const;

/** One row for each firing, with its nominal time. */
export const KILLED_SCHEDULES = {
  ticks: defineSchedule({
    ...COMMON,
    id: "ticks",
    trigger: { everyMs: 1_000, anchor: "2026-01-01T00:00:00Z" },
    job: ticks,
    catchUp: "all",
  }),
  asked: defineSchedule({ ...COMMON, id: "asked", trigger: { at: "2100-01-01T00:00:00Z" }, job: asked }),
  filled: defineSchedule({ ...COMMON, id: "filled", trigger: { cron: "0 0 1 1 *" }, job: filled }),
};
