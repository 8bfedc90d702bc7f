import { gatesOf } from "../../src/model/concurrency-gate.js";
import { isLastEvent, type RunEvent } from "../../src/model/run-event.js";
import type { JobRun } from "../../src/model/run.js";
import type { History, Violation } from "./history.js";

/**
 * Never more runs behind a gate than its limit. Behind is whoever is `running` or `committing`, from its claim to its next
 * retry or its end, by the times of the log: the ledger's. A run whose owner died or sleeps stays behind its gate until it
 * is recovered, so that the rule has no exception. A run that leaves in the instant in which another one comes has made
 * room for it.
 */
export function checkGates({ runs, events, mostBehind }: History): readonly Violation[] {
  const gates = new Map<string, { limit: number; steps: { at: number; by: 1 | -1; runId: string }[] }>();
  for (const run of runs) {
    const stays = staysOf(events.get(run.id) ?? []);
    for (const { name, limit } of gatesOf(run)) {
      const gate = gates.get(name) ?? { limit, steps: [] };
      gates.set(name, gate);
      for (const { from, to } of stays) {
        gate.steps.push({ at: from, by: 1, runId: run.id });
        if (to !== null) gate.steps.push({ at: to, by: -1, runId: run.id });
      }
    }
  }
  return [...gates].flatMap(([name, { limit, steps }]) => {
    const found: Violation[] = [];
    let behind = 0;
    for (const { at, by, runId } of steps.sort((left, right) => left.at - right.at || left.by - right.by)) {
      behind += by;
      if (by === 1 && behind > limit) {
        const message = `${behind} runs behind ${name}, whose limit is ${limit}, at ${new Date(at).toISOString()}`;
        found.push({ rule: "gate", runId, message });
      }
    }
    const seen = mostBehind.get(name) ?? 0;
    if (seen > limit) {
      const message = `one page of the ledger showed ${seen} runs behind ${name}, whose limit is ${limit}`;
      found.push({ rule: "gate", runId: null, message });
    }
    return found;
  });
}

/** How many of these runs are behind each gate. */
export function countBehind(underWay: readonly JobRun[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const run of underWay) for (const { name } of gatesOf(run)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** When a run was under way; `to` is null for the stay that has no end yet. */
function staysOf(events: readonly RunEvent[]): readonly { from: number; to: number | null }[] {
  const stays: { from: number; to: number | null }[] = [];
  let from: number | null = null;
  for (const event of events) {
    if (event.type === "run.running") from = event.at.getTime();
    if (from === null || !(event.type === "run.retrying" || isLastEvent(event))) continue;
    stays.push({ from, to: event.at.getTime() });
    from = null;
  }
  if (from !== null) stays.push({ from, to: null });
  return stays;
}
