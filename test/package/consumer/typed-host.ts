import { JobExecutor, MemoryJobStore, defineJob, isJobError, memory, type JobRun, type RunHandle } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { SqliteJobStore } from "millrace/sqlite";
import { ManualClock } from "millrace/testing";

const far = defineJob({
  name: "far_flights",
  query: "select origin from flights where distance >= {min_distance}",
  params: { min_distance: "DOUBLE" },
  destination: { table: "out.far", mode: "append" },
});

export const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new MemoryJobStore(),
  connections: { out: memory() },
  jobs: [far],
});
export const store = new SqliteJobStore({ path: ":memory:" });
export const clock = new ManualClock();

export async function host(): Promise<JobRun | undefined> {
  const submitted = await executor.submit("far_flights", { min_distance: 1000 });
  if (submitted.isErr()) {
    switch (submitted.error.code) {
      case "unknown_job":
        return undefined;
      default:
        throw submitted.error;
    }
  }
  const handle: RunHandle = submitted.value;
  return handle.get();
}

export async function wrong(): Promise<void> {
  // @ts-expect-error no such job
  await executor.submit("near_flights", { min_distance: 1000 });
  // @ts-expect-error no such parameter
  await executor.submit("far_flights", { max_distance: 1000 });
  // @ts-expect-error the parameter is missing
  await executor.submit("far_flights");
}

export const hint = (error: unknown): string => (isJobError(error, "timed_out") ? error.hint : "none");
