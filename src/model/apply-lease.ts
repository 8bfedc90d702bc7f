import type { LeaseRenewal, LeaseState } from "./run-change.js";
import type { RunEventBody } from "./run-event.js";
import { nextRecord, type RunRecord, type RunStep } from "./run-record.js";
import type { Lease } from "./run.js";

/** Whether a lease no longer protects its owner. It is still the owner's until somebody else takes it over. */
export function isExpired({ expiresAt }: Lease, now: number): boolean {
  return expiresAt.getTime() <= now;
}

/** What a renewal makes of a run; without a `step` nothing changes, because `epoch` does not hold it. */
export function applyRenewal(
  record: RunRecord,
  { epoch, leaseMs }: LeaseRenewal,
  now: number,
): { readonly state: LeaseState; readonly step?: RunStep } {
  const { lease: old, cancelRequest } = record.run;
  if (old?.epoch !== epoch) return { state: { held: false } };
  const lease = { ...old, expiresAt: new Date(now + leaseMs) };
  const cancelReason = cancelRequest?.reason ?? null;
  const state = { held: true, lease, cancelRequested: cancelRequest !== null, cancelReason } as const;
  return { state, step: nextRecord(record, { lease }, [], new Date(now)) };
}

/** What events without a change of status make of a run; undefined when `epoch` does not hold it. */
export function applyEvents(
  record: RunRecord,
  epoch: number,
  events: readonly RunEventBody[],
  now: number,
): RunStep | undefined {
  return record.run.lease?.epoch === epoch ? nextRecord(record, {}, events, new Date(now)) : undefined;
}
