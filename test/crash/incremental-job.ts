import { defineJob } from "../../src/jobs/define-job.js";

export const ROWS_PER_RUN = 2_000;

/** Each run takes the numbers that follow those which its destination has. */
export const incrementalJob = defineJob({
  name: "incremental",
  query: `select i::varchar as tag, i as n from range(1, 1000000) t(i) where i > {last.n} order by i limit ${ROWS_PER_RUN}`,
  state: { n: { type: "BIGINT", initial: 0 } },
  destination: { table: "out.rows", createIfMissing: true },
  execution: { maxRecoveries: 10, maxAttempts: 50, backoff: { delayMs: 5 } },
});
