import { nextRecord, type RunRecord, type RunStep } from "./run-record.js";
import type { CancelOutcome } from "./run.js";

/** What a wish to cancel makes of a run; `step` is absent when nothing changes. The first wish and its reason stand. */
export function applyCancel(
  record: RunRecord,
  reason: string | null,
  now: number,
): { readonly outcome: CancelOutcome; readonly step?: RunStep } {
  const { run } = record;
  const at = new Date(now);
  const cancelRequest = run.cancelRequest ?? { at, reason };
  switch (run.status) {
    case "pending": {
      const patch = { status: "cancelled", finishedAt: at, cancelRequest } as const;
      const event = { type: "run.cancelled", reason: cancelRequest.reason } as const;
      return { outcome: "cancelled", step: nextRecord(record, patch, [event], at) };
    }
    case "running": {
      if (run.cancelRequest !== null) return { outcome: "requested" };
      const event = { type: "run.cancel_requested", reason } as const;
      return { outcome: "requested", step: nextRecord(record, { cancelRequest }, [event], at) };
    }
    case "committing":
      return { outcome: "too_late" };
    case "succeeded":
    case "failed":
    case "cancelled":
      return { outcome: "already_finished" };
  }
}
