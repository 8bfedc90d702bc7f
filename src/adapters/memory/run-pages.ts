import type { RunPageRequest } from "../../model/run-paging.js";
import { RUN_STATUSES, type RunStatus } from "../../model/run-status.js";
import type { RunEntry } from "./run-entry.js";
import { RunList } from "./run-list.js";

/** The runs by job and by status, so that no page has to look at more runs than it shows and those under way, which are few. */
export class RunPages {
  readonly #active = new Set<RunEntry>();
  /** The others of each job, and all others under `undefined`. */
  readonly #lists = new Map<string | undefined, Map<RunStatus, RunList>>();

  add(entry: RunEntry): void {
    const { jobName, status } = entry.record.run;
    if (isActive(status)) {
      this.#active.add(entry);
      return;
    }
    this.#listOf(undefined, status).add(entry);
    this.#listOf(jobName, status).add(entry);
  }

  /** @param status what the entry is listed under. */
  delete(entry: RunEntry, status: RunStatus): void {
    if (this.#active.delete(entry)) return;
    for (const jobName of [undefined, entry.record.run.jobName]) {
      const lists = this.#lists.get(jobName);
      const list = lists?.get(status);
      list?.delete(entry);
      if (list?.isEmpty) lists?.delete(status);
      if (lists?.size === 0) this.#lists.delete(jobName);
    }
  }

  /** To be called when an entry has a new status. */
  move(entry: RunEntry, before: RunStatus): void {
    if (isActive(before) && isActive(entry.record.run.status)) return;
    this.delete(entry, before);
    this.add(entry);
  }

  /** Runs of one page, newest first, and at most one more. */
  page({ jobName, statuses = RUN_STATUSES, limit, before }: RunPageRequest): readonly RunEntry[] {
    const lists = this.#lists.get(jobName);
    const listed = [...new Set(statuses)].flatMap((status) => lists?.get(status)?.below(before, limit + 1) ?? []);
    const active = [...this.#active].filter(({ number, record: { run } }) => {
      return number < before && statuses.includes(run.status) && (jobName === undefined || jobName === run.jobName);
    });
    return [...listed, ...active].sort((left, right) => right.number - left.number).slice(0, limit + 1);
  }

  /** The runs under way, oldest first. */
  active(): readonly RunEntry[] {
    return [...this.#active].sort((left, right) => left.number - right.number);
  }

  #listOf(jobName: string | undefined, status: RunStatus): RunList {
    const lists = this.#lists.get(jobName) ?? new Map<RunStatus, RunList>();
    this.#lists.set(jobName, lists);
    const list = lists.get(status) ?? new RunList();
    lists.set(status, list);
    return list;
  }
}

function isActive(status: RunStatus): boolean {
  return status === "running" || status === "committing";
}
