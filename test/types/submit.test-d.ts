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

  await executor.submitMany([
    { name: "needy", params: { min: 1 }, options: { signal } },
    { name: "easy" },
    { name: "none", options: { priority: 1 } },
    { name: "schema", params: { from: new Date(0) } },
  ]);
  await executor.submitMany(
    [1, 2].map((min) => ({ name: "needy" as const, params: { min } })),
    { signal },
  );
  // @ts-expect-error there is no such job
  await executor.submitMany([{ name: "needi", params: { min: 1 } }]);
  // @ts-expect-error a required parameter is missing
  await executor.submitMany([{ name: "easy" }, { name: "needy" }]);
  // @ts-expect-error also in an empty record
  await executor.submitMany([{ name: "needy", params: {} }]);
  // @ts-expect-error a text is no DOUBLE
  await executor.submitMany([{ name: "needy", params: { min: "1" } }]);
  // @ts-expect-error a text is no DOUBLE in one of many either
  await executor.submitMany([1, 2].map((n) => ({ name: "needy" as const, params: { min: String(n) } })));

  const prepared = await executor.prepare("needy", { min: 1 }, { idempotencyKey: "k" });
  if (prepared.isOk()) prepared.value.insertSync({}).id.toUpperCase();
  // @ts-expect-error a required parameter is missing
  await executor.prepare("needy");
  const redriven = await executor.redrive("id", { priority: 1 });
  if (redriven.isErr() && redriven.error.code === "not_redrivable") redriven.error.hint.toUpperCase();
  // @ts-expect-error a redrive is never refused so
  if (redriven.isErr() && redriven.error.code === "schema_mismatch") redriven.error.hint.toUpperCase();

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
  await executor.submitMany([
    { name: "needy", params: { min: 1 } },
    { name: "from a file", params: { a: { b: 1 } } },
  ]);
  // @ts-expect-error a text is no DOUBLE
  await executor.submitMany([{ name: "from a file" }, { name: "needy", params: { min: "1" } }]);
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
  await executor.submitMany([{ name: "any" }, { name: "other", params: { a: 1 } }]);
  const kept: JobExecutor = new JobExecutor({ ...parts, jobs: [needy] });
  await kept.submit("any", { a: 1 });
}
