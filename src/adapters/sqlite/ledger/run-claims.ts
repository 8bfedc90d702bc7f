import { applyClaim, applyTakeOver } from "../../../model/apply-claim.js";
import type { ClaimRequest } from "../../../model/run-change.js";
import type { RunRecord, RunStep } from "../../../model/run-record.js";
import type { JobRun, UnreadableRun } from "../../../model/run.js";
import type { OwnerSessions } from "./owner-sessions.js";
import type { Numbers, RunStorage } from "./run-storage.js";
import type { Statements } from "./statements.js";

/** How many runs whose `runAt` has come a claim makes ready, beyond those it takes itself. */
const WOKEN_AT_ONCE = 1_000;

/** Finds the runs that a claim may take. Every method is called within a write transaction. */
export class RunClaims {
  constructor(
    private readonly statements: Statements,
    private readonly runs: RunStorage,
    private readonly sessions: OwnerSessions | undefined,
    /** Hears of runs that are passed over because they cannot be read. */
    private readonly tell: (unreadable: UnreadableRun) => void,
  ) {}

  /** Overdue runs, which fail; then ready ones, in their order. */
  takePending(claim: ClaimRequest, now: number): readonly JobRun[] {
    const { passedTimes, overdueRuns, wakeRuns, readyRuns } = this.statements;
    const start = (limit: number, select: (limit: number, skip: number) => Numbers): readonly JobRun[] =>
      this.#take(limit, select, (record) => applyClaim(record, claim, now), now);
    const passed = passedTimes.get({ now });
    const failed = passed?.overdue ? start(claim.limit, (limit, skip) => overdueRuns.all({ now, limit, skip })) : [];
    const left = claim.limit - failed.length;
    if (left <= 0) return failed;
    if (passed?.due) wakeRuns.run({ now, limit: left + WOKEN_AT_ONCE });
    return [...failed, ...start(left, (limit, skip) => readyRuns.all({ limit, skip }))];
  }

  /** Runs whose lease is over, or whose owner is. */
  takeOver(claim: ClaimRequest, now: number): readonly JobRun[] {
    const over = new Map<number | null, boolean>();
    const isOver = (session: number | null): boolean => {
      const known = over.get(session) ?? (session !== null && this.sessions?.isOver(session) === true);
      over.set(session, known);
      return known;
    };
    const free = this.statements.leases
      .all({})
      .filter((lease) => (lease.lease_expires_at ?? Infinity) <= now || isOver(lease.lease_session));
    return this.#take(
      claim.limit,
      (limit) => free.splice(0, limit),
      (record) => applyTakeOver(record, claim, now),
      now,
    );
  }

  nextRunAt(now: number): Date | undefined {
    const runAt = this.statements.nextRunAt.get({ now })?.run_at;
    return runAt == null ? undefined : new Date(runAt);
  }

  // What is taken is selected no more; what cannot be read is, and must be skipped.
  #take(
    limit: number,
    select: (limit: number, skip: number) => Numbers,
    step: (record: RunRecord) => RunStep,
    now: number,
  ): readonly JobRun[] {
    const taken: JobRun[] = [];
    for (let skip = 0; taken.length < limit;) {
      const found = select(limit - taken.length, skip);
      if (found.length === 0) break;
      for (const { seq } of found) {
        const run = this.runs.readable(seq, this.tell);
        if (!run) {
          skip += 1;
          continue;
        }
        const next = step(run.record);
        this.runs.writeClaimed(seq, next, now);
        taken.push(next.record.run);
      }
    }
    return taken;
  }
}
