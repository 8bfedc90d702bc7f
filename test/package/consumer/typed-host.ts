import {
  JobExecutor,
  MemoryJobStore,
  defineJob,
  isJobError,
  loadJobs,
  memory,
  type JobFileProblem,
  type JobRun,
  type RunHandle,
} from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { lance, type LanceOptions } from "millrace/lance";
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
  connections: { out: memory(), lake: lance("./lake", { lockWaitMs: 1000 } satisfies LanceOptions) },
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

export async function mistakes(): Promise<readonly JobFileProblem[]> {
  const loaded = await loadJobs("./jobs");
  if (loaded.isErr()) return loaded.error.problems;
  const both = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new MemoryJobStore(),
    connections: { out: memory() },
    jobs: [far, ...loaded.value],
  });
  await both.submit("any_name_of_the_files", { whatever: 1 });
  // @ts-expect-error the parameter of a job from code is still known
  await both.submit("far_flights", { max_distance: 1000 });
  return [];
}

export const hint = (error: unknown): string => (isJobError(error, "timed_out") ? error.hint : "none");
