import { JobError } from "../model/job-error.js";
import type { AnyJob } from "./job-definition.js";
import { nearestName } from "./nearest-name.js";

/** The jobs of one executor, by name. */
export class JobRegistry {
  readonly #jobs: ReadonlyMap<string, AnyJob>;

  /** @throws JobError `invalid_definition` when two jobs have the same name. */
  constructor(jobs: readonly AnyJob[]) {
    const byName = new Map<string, AnyJob>();
    for (const job of jobs) {
      if (byName.has(job.name)) {
        throw new JobError("invalid_definition", {
          message: `Two jobs are named "${job.name}".`,
          hint: "Give each job its own name; runs are kept under it.",
          jobName: job.name,
          field: "name",
        });
      }
      byName.set(job.name, job);
    }
    this.#jobs = new Map([...byName].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  get(name: string): AnyJob | undefined {
    return this.#jobs.get(name);
  }

  /** In order of their names, by code unit. */
  list(): readonly AnyJob[] {
    return [...this.#jobs.values()];
  }

  /** The name most like this one, if any is near enough to be meant. */
  nearest(name: string): string | undefined {
    return nearestName(name, this.#jobs.keys());
  }
}
