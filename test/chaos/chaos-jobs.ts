import { defineJob } from "../../src/jobs/define-job.js";

// What the rows do on their way is told by the parameters: `hold` waits so many milliseconds in the middle of them, and
// `trouble` says how the engine fails (engine-with-trouble.ts).
const QUERY =
  "select {tag} as tag, i as n from range({rows}) t(i) where {hold} >= 0 and {trouble} <> 'x' and {shop} <> 'x'";
const PARAMS = { tag: "VARCHAR", rows: "BIGINT", hold: "BIGINT", trouble: "VARCHAR", shop: "VARCHAR" } as const;
/** More than a seed kills: so a run fails of its recoveries only where a job asks for it. */
const MANY_RECOVERIES = 50;
const SOON = { kind: "constant", delayMs: 100 } as const;

const plain = defineJob({
  name: "plain",
  query: QUERY,
  params: PARAMS,
  destination: { table: "a.plain", createIfMissing: true },
  execution: { maxRecoveries: MANY_RECOVERIES },
});

const flaky = defineJob({
  name: "flaky",
  query: QUERY,
  params: PARAMS,
  destination: { table: "a.flaky", createIfMissing: true },
  execution: { maxRecoveries: MANY_RECOVERIES, maxAttempts: 3, backoff: SOON },
});

const few = defineJob({
  name: "few",
  query: QUERY,
  params: PARAMS,
  destination: { table: "b.few", createIfMissing: true },
  execution: { maxRecoveries: MANY_RECOVERIES, maxConcurrent: 3 },
});

const keyed = defineJob({
  name: "keyed",
  query: QUERY,
  params: PARAMS,
  destination: { table: "b.keyed", createIfMissing: true },
  execution: { maxRecoveries: MANY_RECOVERIES, concurrencyKey: "{shop}", maxConcurrentPerKey: 2, maxConcurrent: 5 },
});

/** Into the destination whose commit is on its way for a while after the permit. */
const late = defineJob({
  name: "late",
  query: QUERY,
  params: PARAMS,
  destination: { table: "late.rows" },
  execution: { maxRecoveries: MANY_RECOVERIES, maxAttempts: 3, backoff: SOON },
});

const fragile = defineJob({
  name: "fragile",
  query: QUERY,
  params: PARAMS,
  destination: { table: "late.rows" },
  execution: { maxRecoveries: 0, concurrencyKey: "{shop}", maxConcurrentPerKey: 2 },
});

export const CHAOS_JOBS = [plain, flaky, few, keyed, late, fragile] as const;

export type ChaosJobName = (typeof CHAOS_JOBS)[number]["name"];
