import type { Occurrence } from "../model/occurrence.js";
import type { OverlapPolicy } from "../model/schedule.js";

/** What a policy makes of new firings, and of those that wait already. */
export interface OverlapOutcome {
  readonly insert: readonly Occurrence[];
  readonly update: readonly { readonly from: "buffered"; readonly to: Occurrence }[];
}

/** Why one waits whose firing cancels what is under way, also what is under way only by the time that its run is made. */
const BEING_CANCELLED = "the run before it is being cancelled";

/**
 * Decides for each new occurrence, in their order, whether it starts, waits or is skipped while others are open.
 *
 * @param open what is open of the schedule; backfills are not among it.
 * @param fired new ones, as `scheduled`.
 */
export function applyOverlap(
  policy: OverlapPolicy,
  open: readonly Occurrence[],
  fired: readonly Occurrence[],
  now: Date,
): OverlapOutcome {
  let running = open.some(({ state }) => state !== "buffered");
  const waiting = open.filter(({ state }) => state === "buffered");
  const insert: Occurrence[] = [];
  const update: { from: "buffered"; to: Occurrence }[] = [];
  const wait = (occurrence: Occurrence): void => {
    const reason = policy.kind === "cancel_running" ? BEING_CANCELLED : "the run before it has not ended";
    const buffered: Occurrence = { ...occurrence, state: "buffered", reason };
    insert.push(buffered);
    waiting.push(buffered);
  };
  for (const occurrence of fired) {
    if (policy.kind === "allow" || (!running && waiting.length === 0)) {
      insert.push(occurrence);
      running = true;
    } else if (waiting.length < roomToWait(policy)) {
      wait(occurrence);
    } else if (policy.kind === "cancel_running") {
      const replaced = waiting.splice(0).map((one) => skipped(one, now, "a later firing took its place"));
      const newlyReplaced = new Map(replaced.map((one) => [one.key, one]));
      insert.forEach((one, at) => {
        const other = newlyReplaced.get(one.key);
        if (other === undefined) return;
        insert[at] = other;
        newlyReplaced.delete(one.key);
      });
      for (const to of newlyReplaced.values()) update.push({ from: "buffered", to });
      wait(occurrence);
    } else {
      insert.push(skipped(occurrence, now, reasonOf(policy)));
    }
  }
  return { insert, update };
}

/** The runs that `cancel_running` wants cancelled, be it of the schedule or of one firing, so that what waits can start. */
export function runsToCancel(open: readonly Occurrence[]): readonly string[] {
  if (!open.some(({ state, reason }) => state === "buffered" && reason === BEING_CANCELLED)) return [];
  return open.flatMap(({ state, runId }) => (state === "started" && runId !== null ? [runId] : []));
}

function roomToWait(policy: OverlapPolicy): number {
  switch (policy.kind) {
    case "buffer_all":
      return policy.limit;
    case "buffer_one":
    case "cancel_running":
      return 1;
    default:
      return 0;
  }
}

function reasonOf(policy: OverlapPolicy): string {
  if (policy.kind === "skip") return "the run before it had not ended";
  if (policy.kind === "buffer_one") return "the run before it had not ended, and one was waiting already";
  return "the run before it had not ended, and as many were waiting as may";
}

function skipped(occurrence: Occurrence, now: Date, reason: string): Occurrence {
  return { ...occurrence, state: "skipped_overlap", reason, endedAt: now };
}
