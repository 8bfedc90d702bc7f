import { CRASH_POINTS, type CrashPoint } from "../../src/testing/crash-points.js";
import { seededRandom } from "../crash/seeded-random.js";
import type { ChaosJobName } from "./chaos-jobs.js";

/** A run to be submitted. Its tag stands in each of its rows. */
export interface PlannedRun {
  readonly tag: string;
  readonly job: ChaosJobName;
  readonly rows: number;
  readonly holdMs: number;
  readonly trouble: Trouble;
  readonly shop: string;
  readonly priority: number;
  /** Counted from its submission. */
  readonly runAfterMs: number | null;
  readonly startWithinMs: number | null;
  /** Submitted by two processes at once, under one idempotency key. */
  readonly twice: boolean;
  /** In a transaction of the host's own: which ends so. `die`: its process is killed before the commit. */
  readonly within: "commit" | "rollback" | "die" | null;
}

/** `flaky`: the engine fails now and then, before or in the middle of the rows. `broken`: always. */
export type Trouble = "none" | "flaky" | "broken";

/** What is done to the processes and to the ledger. */
export type Act =
  | { readonly kind: "kill"; readonly slot: number; readonly downMs: number }
  | { readonly kind: "kill_at"; readonly slot: number; readonly point: CrashPoint; readonly downMs: number }
  | { readonly kind: "pause"; readonly slot: number; readonly forMs: number }
  | { readonly kind: "pause_at"; readonly slot: number; readonly point: CrashPoint; readonly forMs: number }
  | { readonly kind: "stop"; readonly slot: number; readonly mode: "drain" | "cancel"; readonly downMs: number }
  | { readonly kind: "cancel"; readonly slot: number; readonly status: "pending" | "running" | "committing" | "ended" }
  | { readonly kind: "disturb"; readonly how: number };

/** A process: what it does, and with which parts. */
export interface Slot {
  readonly role: "work" | "submit" | "both";
  readonly engine: "duckdb" | "rows";
  readonly clockAheadMs: number;
}

/** Everything that a seed decides. How the processes interleave is the machine's doing, and differs each time. */
export interface ChaosPlan {
  readonly seed: number;
  readonly leaseMs: number;
  readonly lateMs: number;
  readonly slots: readonly Slot[];
  readonly runs: readonly PlannedRun[];
  /** In the order in which they are done; spread evenly over the ends of the runs. */
  readonly acts: readonly Act[];
}

const PER_100_RUNS = { kill: 2, kill_at: 4, pause: 1.5, pause_at: 3.5, stop: 1.2, cancel: 14, disturb: 0.8 };

const SLOTS: readonly Slot[] = [
  { role: "work", engine: "duckdb", clockAheadMs: 0 },
  { role: "work", engine: "rows", clockAheadMs: 0 },
  { role: "work", engine: "rows", clockAheadMs: 10_000 },
  { role: "both", engine: "rows", clockAheadMs: 0 },
  { role: "submit", engine: "rows", clockAheadMs: 0 },
  { role: "submit", engine: "rows", clockAheadMs: 0 },
];

export interface ChaosPlanOptions {
  readonly runs: number;
  /** How many of each act come on 100 runs. Default: some of all. */
  readonly per100Runs?: Readonly<Partial<Record<Act["kind"], number>>>;
  /** Where processes are killed and paused. Default: at every point. */
  readonly points?: readonly CrashPoint[];
  /** How long a commit into the late destination is on its way at most. Default 250. */
  readonly lateMs?: number;
}

export function chaosPlan(seed: number, options: ChaosPlanOptions): ChaosPlan {
  const { runs, per100Runs = PER_100_RUNS, points = CRASH_POINTS, lateMs = 250 } = options;
  const random = seededRandom(seed);
  const chance = (share: number): boolean => random() < share;
  const between = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;

  const leaseMs = between(600, 1_000);
  const workers = SLOTS.flatMap(({ role }, slot) => (role === "submit" ? [] : [slot]));

  const plannedRun = (_: unknown, index: number): PlannedRun => {
    const job = oneOf<ChaosJobName>(["plain", "flaky", "few", "keyed", "late", "late", "fragile"]);
    const within = chance(0.06) ? oneOf(["commit", "commit", "rollback", "rollback", "die"] as const) : null;
    return {
      tag: `s${seed}-${index}`,
      job,
      rows: Math.floor(random() ** 3 * 3_000),
      holdMs: chance(0.25) ? between(1, 250) : 0,
      trouble: troubleOf(job, random()),
      shop: `shop ${between(1, 4)}`,
      priority: between(-2, 2),
      runAfterMs: chance(0.15) ? between(10, 3_000) : null,
      startWithinMs: chance(0.08) ? between(50, 4_000) : null,
      twice: within === null && chance(0.15),
      within,
    };
  };

  const makers: Readonly<Record<Act["kind"], () => Act>> = {
    kill: () => ({ kind: "kill", slot: between(0, SLOTS.length - 1), downMs: between(0, 1_500) }),
    kill_at: () => ({
      kind: "kill_at",
      slot: oneOf(workers),
      point: oneOf(points),
      downMs: between(0, 1_500),
    }),
    pause: () => ({ kind: "pause", slot: oneOf(workers), forMs: between(leaseMs, 3 * leaseMs) }),
    pause_at: () => ({
      kind: "pause_at",
      slot: oneOf(workers),
      point: oneOf(points),
      forMs: between(leaseMs, 4 * leaseMs),
    }),
    stop: () => ({
      kind: "stop",
      slot: oneOf(workers),
      mode: oneOf(["drain", "cancel", "cancel"] as const),
      downMs: between(0, 1_000),
    }),
    cancel: () => ({
      kind: "cancel",
      slot: between(0, SLOTS.length - 1),
      status: oneOf(["pending", "running", "running", "committing", "ended"] as const),
    }),
    disturb: () => ({ kind: "disturb", how: random() }),
  };
  const planned = (Object.keys(makers) as Act["kind"][]).flatMap((kind) => {
    // Where the ledger is never out of reach, nothing excuses that a run is taken from an owner that lives.
    const share = kind === "disturb" && seed % 3 === 0 ? 0 : (per100Runs[kind] ?? 0);
    return Array.from({ length: Math.ceil((share * runs) / 100) }, makers[kind]);
  });
  return {
    seed,
    leaseMs,
    lateMs,
    slots: SLOTS,
    runs: Array.from({ length: runs }, plannedRun),
    acts: shuffled(planned, random),
  };
}

function troubleOf(job: ChaosJobName, dice: number): Trouble {
  if (job === "flaky") return dice < 0.7 ? "flaky" : dice < 0.8 ? "broken" : "none";
  if (job === "late") return dice < 0.2 ? "flaky" : "none";
  return dice < 0.03 ? "broken" : "none";
}

function shuffled<T>(values: readonly T[], random: () => number): readonly T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((left, right) => left.order - right.order)
    .map(({ value }) => value);
}
