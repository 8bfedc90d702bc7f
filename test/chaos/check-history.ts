import { isTerminal } from "../../src/model/run-status.js";
import type { JobRun } from "../../src/model/run.js";
import { checkGates } from "./check-gates.js";
import { checkLog } from "./check-log.js";
import { checkSubmits } from "./check-submits.js";
import { tagOf, type History, type Violation } from "./history.js";

/** Everything in a history that must not be; empty when all laws held. */
export function checkHistory(history: History): readonly Violation[] {
  const { runs, events, crashes } = history;
  return [
    ...crashes.map((message) => ({ rule: "crash", runId: null, message })),
    ...runs.flatMap((run) => checkLog(run, events.get(run.id) ?? [])),
    ...runs.flatMap((run) => checkEnd(run, history)),
    ...checkRows(history),
    ...checkGates(history),
    ...checkSubmits(history),
    ...checkCancels(history),
    ...checkTails(history),
    ...checkTakeOvers(history),
  ];
}

/** Each run has ended, and is what it was when it was first seen ended; and its commits agree with that. */
function checkEnd(run: JobRun, { commits, firstEnds }: History): readonly Violation[] {
  const found: Violation[] = [];
  const tell = (rule: string, message: string): void => void found.push({ rule, runId: run.id, message });
  if (!isTerminal(run.status)) {
    const { status, attempt, recoveries, lease } = run;
    tell("not_ended", `the run is still there: ${JSON.stringify({ status, attempt, recoveries, lease })}`);
  }
  const first = firstEnds.get(run.id);
  if (first !== undefined && endOf(first) !== endOf(run)) {
    tell("not_final", `the run was ${endOf(first)} and is now ${endOf(run)}`);
  }
  const own = commits.filter(({ commitId }) => commitId === run.id || commitId.startsWith(`${run.id}.`));
  const landed = own.filter(({ state }) => state === "committed");
  if (landed.length !== (run.status === "succeeded" ? 1 : 0)) {
    const ids = landed.map(({ commitId }) => commitId).join(", ");
    tell("commits", `the run is ${run.status} with ${landed.length} commits in its destination: ${ids}`);
  }
  if (run.status === "succeeded" && landed[0]?.rowsWritten !== run.rowsWritten) {
    tell("commits", `the run says ${run.rowsWritten} rows, its commit ${landed[0]?.rowsWritten}`);
  }
  return found;
}

/** What the destinations hold of each tag is the whole result of each of its runs that succeeded, and nothing else. */
function checkRows({ planned, runs, written }: History): readonly Violation[] {
  const rowsOf = new Map(planned.map(({ tag, rows }) => [tag, rows]));
  const succeeded = new Map<string, JobRun[]>();
  for (const run of runs) {
    if (run.status !== "succeeded") continue;
    const tag = tagOf(run);
    succeeded.set(tag, [...(succeeded.get(tag) ?? []), run]);
  }
  const found = new Map(written.map((entry) => [entry.tag, entry]));
  return [...new Set([...rowsOf.keys(), ...found.keys(), ...succeeded.keys()])].flatMap((tag) => {
    const times = succeeded.get(tag)?.length ?? 0;
    const whole = rowsOf.get(tag) ?? 0;
    const { rows, distinct } = found.get(tag) ?? { rows: 0, distinct: 0 };
    if (rows === times * whole && distinct === (times > 0 ? whole : 0)) return [];
    const message = `${rows} rows (${distinct} different ones) with tag ${tag}: ${times} runs succeeded with ${whole} each`;
    return [{ rule: "rows", runId: runs.find((run) => tagOf(run) === tag)?.id ?? null, message }];
  });
}

/** A wish to cancel that was told to be in time was in time. */
function checkCancels({ runs, cancels }: History): readonly Violation[] {
  const statuses = new Map(runs.map(({ id, status }) => [id, status]));
  return cancels.flatMap(({ runId, outcome }) => {
    const status = statuses.get(runId);
    // A run that fails on its own before it obeys is failed: its wish is gone with it.
    const held = outcome === "cancelled" ? status === "cancelled" : outcome !== "requested" || status !== "succeeded";
    return held ? [] : [{ rule: "cancel", runId, message: `its cancel was told ${outcome}, and it is ${status}` }];
  });
}

/** Who follows a run from anywhere sees its log, each event once. */
function checkTails({ runs, tails }: History): readonly Violation[] {
  const lastSeq = new Map(runs.map(({ id, lastEventSeq }) => [id, lastEventSeq]));
  return tails.flatMap(({ runId, seqs }) => {
    const whole = seqs.length === lastSeq.get(runId) && seqs.every((seq, index) => seq === index + 1);
    return whole
      ? []
      : [{ rule: "tail", runId, message: `a tail saw ${seqs.join(", ")} of ${lastSeq.get(runId)} events` }];
  });
}

/** Only runs whose owner was killed, slept or could not reach the ledger are recovered. */
function checkTakeOvers({ runs, events, excused }: History): readonly Violation[] {
  return runs.flatMap(({ id }) => {
    let owner: string | undefined;
    let inDoubt = false;
    return (events.get(id) ?? []).flatMap((event) => {
      if (event.type === "run.running") [owner, inDoubt] = [event.owner, false];
      // An owner in doubt lets go of the run, for recovery to ask again.
      if (event.type === "run.commit_in_doubt") inDoubt = true;
      if (event.type !== "run.retrying" || event.cause !== "recovered") return [];
      if (owner === undefined || inDoubt || excused.has(owner)) return [];
      return [{ rule: "take_over", runId: id, message: `it was taken from ${owner}, who was alive` }];
    });
  });
}

function endOf({ status, finishedAt, rowsWritten, lastEventSeq }: JobRun): string {
  return JSON.stringify({ status, finishedAt, rowsWritten, lastEventSeq });
}
