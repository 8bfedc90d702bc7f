import { runCursor, type RunPageRequest } from "../../../model/run-paging.js";
import type { RunPage, UnreadableRun } from "../../../model/run.js";
import { listedAs } from "../../sql/run-rows.js";
import type { Numbered, RunStatements } from "./run-statements.js";
import type { RunStorage } from "./run-storage.js";

/** Pages of runs, newest first. Called within a transaction. */
export function pageOfRuns(statements: RunStatements, runs: RunStorage, request: RunPageRequest): RunPage {
  const numbers = pageNumbers(statements, request);
  const unreadable: UnreadableRun[] = [];
  const page = numbers.slice(0, request.limit);
  const found = page.flatMap(({ seq }) => runs.readable(seq, (run) => unreadable.push(run))?.record.run ?? []);
  const last = page.at(-1);
  return {
    runs: found,
    ...(last && numbers.length > page.length && { nextCursor: runCursor(last.seq) }),
    ...(unreadable.length > 0 && { unreadable }),
  };
}

// One seek in an index for each status: a single query over several would sort all runs that have one of them.
function pageNumbers(
  statements: RunStatements,
  { jobName, statuses, limit, before }: RunPageRequest,
): readonly Numbered[] {
  const { page, pageOfStatus, pageOfJob, pageOfJobStatus, pageOfActive } = statements;
  const range = { before, limit: limit + 1 };
  if (!statuses) return jobName === undefined ? page.all(range) : pageOfJob.all({ ...range, jobName });
  return statuses
    .flatMap((status) => {
      const listing = { ...range, status };
      if (listedAs(status) === "active") return pageOfActive.all({ ...listing, jobName: jobName ?? null });
      return jobName === undefined ? pageOfStatus.all(listing) : pageOfJobStatus.all({ ...listing, jobName });
    })
    .sort((left, right) => right.seq - left.seq)
    .slice(0, limit + 1);
}
