import type { RunPageRequest } from "../../model/run-paging.js";
import { RUN_STATUSES, type RunStatus } from "../../model/run-status.js";
import type { RunEntry } from "./run-entry.js";
import { RunList } from "./run-list.js";

/** Running and committing runs are few, and listed together. */
type Listing = Exclude<RunStatus, "running" | "committing"> | "active";

/** The runs by job and by status, so that no page has to look at more runs than it shows. */
export class RunPages {
  /** Of each job, and of all under `undefined`. */
  readonly #lists = new Map<string | undefined, Map<Listing, RunList>>();

  add(entry: RunEntry): void {
    const { jobName, status } = entry.record.run;
    this.#listOf(undefined, listingOf(status)).add(entry);
    this.#listOf(jobName, listingOf(status)).add(entry);
  }

  /** @param status what the entry is listed under. */
  delete(entry: RunEntry, status: RunStatus): void {
    for (const jobName of [undefined, entry.record.run.jobName]) {
      const lists = this.#lists.get(jobName);
      const list = lists?.get(listingOf(status));
      list?.delete(entry);
      if (list?.isEmpty) lists?.delete(listingOf(status));
      if (lists?.size === 0) this.#lists.delete(jobName);
    }
  }

  /** To be called when an entry has a new status. */
  move(entry: RunEntry, before: RunStatus): void {
    if (listingOf(before) === listingOf(entry.record.run.status)) return;
    this.delete(entry, before);
    this.add(entry);
  }

  /** Runs of one page, newest first, and at most one more. */
  page({ jobName, statuses = RUN_STATUSES, limit, before }: RunPageRequest): readonly RunEntry[] {
    const lists = this.#lists.get(jobName);
    const asked = (entry: RunEntry): boolean => statuses.includes(entry.record.run.status);
    const found = [...new Set(statuses.map(listingOf))].flatMap((listing) => {
      return lists?.get(listing)?.below(before, limit + 1, asked) ?? [];
    });
    return found.sort((left, right) => right.number - left.number).slice(0, limit + 1);
  }

  /** The runs under way, oldest first. */
  active(): readonly RunEntry[] {
    const list = this.#lists.get(undefined)?.get("active");
    return [...(list?.below(Infinity, Infinity, () => true) ?? [])].reverse();
  }

  #listOf(jobName: string | undefined, listing: Listing): RunList {
    const lists = this.#lists.get(jobName) ?? new Map<Listing, RunList>();
    this.#lists.set(jobName, lists);
    const list = lists.get(listing) ?? new RunList();
    lists.set(listing, list);
    return list;
  }
}

function listingOf(status: RunStatus): Listing {
  return status === "running" || status === "committing" ? "active" : status;
}
