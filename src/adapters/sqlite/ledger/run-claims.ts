import { applyClaim, applyOverdue, applyTakeOver } from "../../../model/apply-claim.js";
import type { ClaimRequest, PendingCancel } from "../../../model/run-change.js";
import type { RunStep } from "../../../model/run-record.js";
import type { JobRun, UnreadableRun } from "../../../model/run.js";
import type { ClaimStatements, Standing } from "./claim-statements.js";
import type { OwnerSessions } from "./owner-sessions.js";
import type { RunGates } from "./run-gates.js";
import type { Numbered } from "./run-statements.js";
import { isUnderWay, type RunStorage, type StoredRun } from "./run-storage.js";

/** How many runs one act makes ready or parks: it takes a few milliseconds of the event loop. */
const LARGEST_ACT = 500;

/** What an act of claiming came to. */
export interface Claimed {
  readonly runs: readonly JobRun[];
  /** There is more to look at than one act may. */
  readonly later: boolean;
}

/** Finds the runs that a claim may take. Every method is called within a write transaction. */
export class RunClaims {
  constructor(
    private readonly statements: ClaimStatements,
    private readonly runs: RunStorage,
    private readonly gates: RunGates,
    private readonly sessions: OwnerSessions | undefined,
    /** Hears of runs that are passed over because they cannot be read. */
    private readonly tell: (unreadable: UnreadableRun) => void,
  ) {}

  /** Overdue runs, which fail; then, once all that are due are ready, those in their order whose gates have room. */
  takePending(claim: ClaimRequest, now: number): Claimed {
    const passed = this.statements.passedTimes.get({ now });
    const failed = passed?.overdue ? this.failOverdue(claim.limit, now) : [];
    const limit = claim.limit - failed.length;
    if (limit <= 0) return { runs: failed, later: false };
    if (passed?.due && this.statements.wakeRuns.run({ now, limit: LARGEST_ACT }).changes === LARGEST_ACT) {
      return { runs: failed, later: true };
    }
    const { runs, later } = this.#takeReady({ ...claim, limit }, now);
    return { runs: [...failed, ...runs], later };
  }

  failOverdue(limit: number, now: number): readonly JobRun[] {
    const failed: JobRun[] = [];
    for (let skip = 0; failed.length < limit;) {
      const found = this.statements.overdueRuns.all({ now, limit: limit - failed.length, skip });
      if (found.length === 0) break;
      for (const { seq } of found) {
        const run = this.runs.readable(seq, this.tell);
        if (run) failed.push(this.write(run, applyOverdue(run.record, now), now));
        else skip += 1;
      }
    }
    return failed;
  }

  /** Writes a step that gives no lease. Who was in the way of parked runs by standing where it stood lets them pass. */
  write(before: StoredRun, step: RunStep, now: number): JobRun {
    const { run } = step.record;
    this.runs.write(before, step, now);
    const leaves = before.queue === "ready" || isUnderWay(before.record.run);
    if (leaves && !isUnderWay(run)) this.gates.call(run);
    return run;
  }

  /** Runs whose lease is over, or whose owner is. */
  takeOver(claim: ClaimRequest, now: number): readonly JobRun[] {
    const over = new Map<number | null, boolean>();
    const isOver = (session: number | null): boolean => {
      const known = over.get(session) ?? (session !== null && this.sessions?.isOver(session) === true);
      over.set(session, known);
      return known;
    };
    const mayTake = taker(claim.connections);
    const free = this.statements.leases
      .all()
      .filter((lease) => isExpired(lease, now) || isOver(lease.lease_session))
      .filter(({ connections }) => mayTake(connections))
      .sort((left, right) => left.seq - right.seq);
    const taken: JobRun[] = [];
    for (const { seq } of free) {
      if (taken.length >= claim.limit) break;
      const run = this.runs.readable(seq, this.tell);
      if (!run) continue;
      const step = applyTakeOver(run.record, claim, now);
      this.runs.takeOver(run, step, now);
      taken.push(step.record.run);
    }
    return taken;
  }

  nextDueAt(now: number): Date | undefined {
    const { run_at, start_deadline } = this.statements.firstTimes.get({ now }) ?? {};
    const first = Math.min(run_at ?? Infinity, start_deadline ?? Infinity);
    return first === Infinity ? undefined : new Date(first);
  }

  missingConnections(available: readonly string[], now: number): readonly string[] {
    const given = new Set(available);
    const { readyLines, dueLines, leases } = this.statements;
    const expired = leases.all().filter((lease) => isExpired(lease, now));
    const lines = [...readyLines.all(), ...dueLines.all({ now, limit: LARGEST_ACT }), ...expired];
    const needed = new Set(lines.flatMap(({ connections }) => namesIn(connections)));
    return [...needed].filter((name) => !given.has(name)).sort();
  }

  cancelRequests(owner: string): readonly PendingCancel[] {
    return this.statements.cancelRequests.all({ owner }).flatMap(({ seq }) => {
      const { lease, cancelRequest, id } = this.runs.readable(seq, this.tell)?.record.run ?? {};
      return lease && cancelRequest && id ? [{ runId: id, epoch: lease.epoch, reason: cancelRequest.reason }] : [];
    });
  }

  #takeReady(claim: ClaimRequest, now: number): Claimed {
    const taken: JobRun[] = [];
    const unreadable = new Set<number>();
    let left = LARGEST_ACT;
    for (;;) {
      // What was taken or parked stands there no more; whoever was called meanwhile may come before the rest.
      const found = this.#firstReady(claim, claim.limit - taken.length, unreadable);
      if (found.length === 0) return { runs: taken, later: false };
      for (const { seq } of found) {
        if (left <= 0) return { runs: taken, later: true };
        const run = this.runs.readable(seq, this.tell);
        if (!run) {
          unreadable.add(seq);
          continue;
        }
        const gate = this.gates.full(run.record.run);
        if (gate) {
          left -= 1;
          this.gates.park(seq, run.record.run, gate);
          if (this.gates.call(run.record.run) > 0) break;
        } else {
          const step = applyClaim(run.record, claim, now);
          this.runs.start(run, step, now);
          taken.push(step.record.run);
        }
      }
      if (taken.length >= claim.limit) return { runs: taken, later: false };
    }
  }

  /** The first ready runs of all lines that the claim may take from. */
  #firstReady({ connections }: ClaimRequest, limit: number, skipped: ReadonlySet<number>): readonly Numbered[] {
    const { readyLines, readyRuns } = this.statements;
    const mayTake = taker(connections);
    const lines = readyLines.all().filter((line) => mayTake(line.connections));
    const found = lines.flatMap((line) => readyRuns.all({ ...line, limit: limit + skipped.size }));
    const readable = skipped.size === 0 ? found : found.filter(({ seq }) => !skipped.has(seq));
    return lines.length === 1 ? readable.slice(0, limit) : readable.sort(startsBefore).slice(0, limit);
  }
}

function isExpired({ lease_expires_at: at }: { readonly lease_expires_at: number | null }, now: number): boolean {
  return (at ?? Infinity) <= now;
}

function startsBefore(left: Standing, right: Standing): number {
  return right.priority - left.priority || left.seq - right.seq;
}

function taker(available: readonly string[] | undefined): (connections: string) => boolean {
  if (available === undefined) return () => true;
  const given = new Set(available);
  return (connections) => namesIn(connections).every((name) => given.has(name));
}

// What somebody wrote there by hand needs nothing: such a run is told of when it is read.
function namesIn(connections: string): readonly string[] {
  try {
    const names: unknown = JSON.parse(connections);
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}
