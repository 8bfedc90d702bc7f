import { defineJob } from "../../src/jobs/define-job.js";

/** Writes so many rows that carry the run's own tag. */
export const crashJob = defineJob({
  name: "crash",
  query: "select {tag} as tag, i as n from range({rows}) t(i)",
  params: { tag: "VARCHAR", rows: "BIGINT" },
  destination: { table: "out.rows", createIfMissing: true },
  execution: { maxRecoveries: 10 },
});
