import type { Occurrence } from "../../src/model/occurrence.js";

/** A firing of the schedule `s` that somebody stored long ago, and nobody started. */
export function leftBehind(parts: Partial<Occurrence> = {}): Occurrence {
  const at = new Date("2026-01-01T00:00:00Z");
  return {
    key: "s@2026-01-01T00:00:00.000Z",
    scheduleId: "s",
    nominalAt: at,
    previousAt: at,
    dueAt: at,
    cause: "trigger",
    state: "scheduled",
    reason: null,
    runId: null,
    error: null,
    createdAt: new Date(0),
    endedAt: null,
    count: 1,
    lastNominalAt: at,
    ...parts,
  };
}
