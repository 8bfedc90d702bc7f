import type { Backfill } from "../model/backfill.js";
import type { Occurrence } from "../model/occurrence.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import { JobError } from "../model/job-error.js";
import type { ScheduleStore } from "../ports/schedule-store.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextTurn } from "../runs/waiting.js";
import { fixedTimes } from "./due-firings.js";
import { nextFiring } from "./firing-times.js";

/** A backfill of more firings than this is refused: it is better made of several. */
const MOST_FIRINGS = 100_000;
/** The host has its turn after so many. */
const FOUND_IN_A_TURN = 500;
const PAGE = 1_000;

type Range = Pick<Backfill, "from" | "to" | "order">;

/**
 * The nominal times of a range, in the order in which a backfill makes them. `startAt`, `endAt` and what fired meanwhile have no
 * say; exclusions have.
 *
 * @throws JobError `invalid_definition` for too many, and for a schedule that only follows the ends of its own runs.
 */
export async function firingsOfRange(
  { times }: ScheduleDefinition,
  range: Range,
  scheduler: Scheduler,
): Promise<readonly Date[]> {
  const fixed = fixedTimes(times);
  if (fixed === undefined) {
    throw invalid(
      "trigger",
      "A schedule that follows the ends of its own runs has no firings to fill in.",
      "Trigger it by hand.",
    );
  }
  const bounded = { ...fixed, startAt: range.from.getTime(), endAt: range.to.getTime() };
  const found: Date[] = [];
  for (let at = await nextFiring(bounded, scheduler, range.from.getTime() - 1); at !== undefined;) {
    if (found.length === MOST_FIRINGS) {
      throw invalid("to", `The range has more than ${MOST_FIRINGS} firings.`, "Fill it in by several backfills.");
    }
    found.push(new Date(at));
    if (found.length % FOUND_IN_A_TURN === 0) await nextTurn();
    at = await nextFiring(bounded, scheduler, at);
  }
  return range.order === "oldest_first" ? found : found.reverse();
}

/** How far a nominal time has come, by all occurrences of it. */
export type FiringState = "open" | "succeeded" | "failed";

/** By nominal time; what is not in it was never carried out. */
export async function statesInRange(
  store: ScheduleStore,
  scheduleId: string,
  { from, to }: Pick<Backfill, "from" | "to">,
): Promise<ReadonlyMap<number, FiringState>> {
  const states = new Map<number, FiringState>();
  let before = { nominalAt: to, key: "" };
  for (;;) {
    const page = await store.listOccurrences({ scheduleId, since: from, before, limit: PAGE });
    for (const occurrence of page) note(states, occurrence);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return states;
    before = last;
  }
}

/** Whether a backfill leaves a firing alone. */
export function isPassedOver(reprocess: Backfill["reprocess"], state: FiringState | undefined): boolean {
  switch (state) {
    case undefined:
      return false;
    case "open":
      return true;
    case "failed":
      return reprocess === "none";
    case "succeeded":
      return reprocess !== "all";
  }
}

function note(states: Map<number, FiringState>, { state, nominalAt, cause }: Occurrence): void {
  if (cause === "manual") return;
  const at = nominalAt.getTime();
  const known = states.get(at);
  if (state === "scheduled" || state === "buffered" || state === "started") states.set(at, "open");
  else if (state === "succeeded" && known !== "open") states.set(at, "succeeded");
  else if ((state === "failed" || state === "cancelled") && known === undefined) states.set(at, "failed");
}

function invalid(field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { message, hint, field });
}
