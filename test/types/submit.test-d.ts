import { defineJob, JobExecutor, type JobDefinition, type JobExecutorOptions } from "millrace";
import type { Schema } from "./type-checks.js";

const destination = { table: "lake.t" } as const;
const query = "select 1";
declare const range: Schema<{ from: Date; to?: Date }, { from: Date; to: Date }>;
declare const parts: Omit<JobExecutorOptions, "jobs">;
declare const signal: AbortSignal;

const none = defineJob({ name: "none", query, destination, params: {} });
const needy = defineJob({
  name: "needy",
  query,
  destination,
  params: { min: "DOUBLE", since: { type: "DATE", default: "2001-01-01" } },
});
const easy = defineJob({ name: "easy", query, destination, params: { n: { type: "BIGINT", default: 1 } } });
const free = defineJob({ name: "free", query, destination });
const schema = defineJob({ name: "schema", query, destination, params: range });

export async function typedJobs(): Promise<void> {
  const executor = new JobExecutor({ ...parts, jobs: [none, needy, easy, free, schema] });
  await executor.submit("needy", { min: 1 });
  await executor.submit("needy", { min: null, since: new Date(0) }, { signal });
  await executor.submit("easy");
  await executor.submit("easy", {});
  await executor.submit("easy", { n: 5n });
  await executor.submit("easy", undefined, { signal });
  await executor.submit("none");
  await executor.submit("free");
  await executor.submit("free", { anything: [1, 2] });
  await executor.submit("schema", { from: new Date(0) });
  await executor.submitOrThrow("needy", { min: 1 });
  await executor.preview("needy", { min: 1 }, { limit: 5 });

  // @ts-expect-error there is no such job
  await executor.submit("needi", { min: 1 });
  // @ts-expect-error a required parameter is missing
  await executor.submit("needy");
  // @ts-expect-error also in an empty record
  await executor.submit("needy", {});
  // @ts-expect-error a text is no DOUBLE
  await executor.submit("needy", { min: "1" });
  // @ts-expect-error there is no such parameter
  await executor.submit("needy", { min: 1, max: 2 });
  // @ts-expect-error nor one at all
  await executor.submit("none", { min: 1 });
  // @ts-expect-error the schema's input has no such kind
  await executor.submit("schema", { from: "2001-01-01" });
  // @ts-expect-error an object has no inferred type
  await executor.submit("free", { a: { b: 1 } });
  // @ts-expect-error the same holds for submitOrThrow
  await executor.submitOrThrow("needy");
  // @ts-expect-error and for preview
  await executor.preview("needy", { min: "1" });

  // A name that is one of several takes what suits each of them.
  const either = needy.name as "needy" | "easy";
  await executor.submit(either, { min: 1, n: 2 });
  // @ts-expect-error `min` is missing if it is `needy`
  await executor.submit(either, { n: 2 });

  const anyName: string = either;
  // @ts-expect-error a text is no name of these jobs
  await executor.submit(anyName, { min: 1 });
}

// Jobs from files lie beside typed ones, which stay checked.
export async function mixedJobs(loaded: JobDefinition[]): Promise<void> {
  const executor = new JobExecutor({ ...parts, jobs: [needy, ...loaded, easy] });
  await executor.submit("needy", { min: 1 });
  await executor.submit("easy");
  await executor.submit("from a file", { a: 1, b: { c: [1] }, d: undefined });
  await executor.submit("from a file");
  const anyName: string = "needy";
  await executor.submit(anyName, { whatever: 1 });
  // @ts-expect-error a text is no DOUBLE
  await executor.submit("needy", { min: "1" });
  // @ts-expect-error a required parameter is missing
  await executor.submit("needy");
  // @ts-expect-error no parameter takes a function
  await executor.submit("from a file", { a: () => 1 });
}

export async function untypedJobs(jobs: readonly JobDefinition[]): Promise<void> {
  const executor = new JobExecutor({ ...parts, jobs });
  await executor.submit("any", { a: 1 });
  await executor.submit("any");
  const kept: JobExecutor = new JobExecutor({ ...parts, jobs: [needy] });
  await kept.submit("any", { a: 1 });
}
