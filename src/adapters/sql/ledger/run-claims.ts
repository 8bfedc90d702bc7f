import { applyClaim, applyTakeOver } from "../../../model/apply-claim.js";
import { fullGate, gatesOf } from "../../../model/concurrency-gate.js";
import { isJobError } from "../../../model/job-error.js";
import type { ClaimRequest } from "../../../model/run-change.js";
import { runCopy } from "../../../model/run-copy.js";
import type { RunRecord } from "../../../model/run-record.js";
import type { JobRun, UnreadableRun } from "../../../model/run.js";
import type { FullRow } from "../ledger-schema.js";
import { recordOf } from "../run-rows.js";
import { Announcement } from "./announcement.js";
import type { Definitions } from "../definitions.js";
import { HeldGates } from "./held-gates.js";
import { isUnderWay, type KnownRuns } from "./known-runs.js";
import type { LedgerConnections, LedgerTransaction } from "./ledger-connections.js";
import { GateCalls, gateNames, leavesGates, parkedLine } from "./run-gates.js";
import type { TimedRow, Written } from "./ledger-rows.js";
import { stepColumns, type StoredStep } from "./step-columns.js";

/** How many runs whose `runAt` has come a claim makes ready. */
const WOKEN_AT_ONCE = 1_000;
/** How many runs a claim parks at most, one group of those that it finds more or less. */
const LOOKED_AT = 1_000;

interface ClaimEnd {
  readonly steps: readonly StoredStep[];
  /** The rows' versions since. */
  readonly written: Promise<readonly Written[]>;
  readonly announcement: Announcement;
  /** Whether a gate was held by somebody else: what stands before it was left for the next claim. */
  readonly leftSome: boolean;
}

/** What one claim has done so far. */
interface Claim {
  readonly transaction: LedgerTransaction;
  readonly request: ClaimRequest;
  readonly steps: StoredStep[];
  readonly calls: GateCalls;
  readonly held: HeldGates;
  /** What is not to be looked at again: taken, unreadable, or behind a gate that somebody else holds. */
  readonly except: number[];
  leftSome: boolean;
}

interface Parked {
  readonly seq: number;
  readonly line: string;
}

/** Finds the runs that a worker may take, and takes them. */
export class RunClaims {
  /** The lines that were ready at the last claim: asked for at once, before it is known which are now. */
  #lines: readonly string[] = [];

  constructor(
    private readonly connections: LedgerConnections,
    private readonly known: KnownRuns,
    private readonly definitions: Definitions,
    private readonly announce: (announcement: Announcement) => void,
    /** Is called when a claim left runs that the next one may take. */
    private readonly comeAgain: () => void,
    /** Hears of runs that are passed over because they cannot be read. */
    private readonly tell: (unreadable: UnreadableRun) => void,
  ) {}

  /** Overdue runs, which fail; then ready ones, in their order. */
  takePending(request: ClaimRequest): Promise<readonly JobRun[]> {
    return this.#claim(request, true);
  }

  failOverdue(limit: number): Promise<readonly JobRun[]> {
    return this.#claim({ owner: "", leaseMs: 0, limit }, false);
  }

  /** Runs whose lease is over. */
  async takeOver(request: ClaimRequest): Promise<readonly JobRun[]> {
    if (request.limit <= 0) return [];
    const end = await this.connections.transaction(QUICK, async (transaction) => {
      const expired = await transaction.ledger.expiredLeases();
      const fitting = expired.filter(({ connections }) => fits(connections, request.connections));
      const seqs = fitting.map(({ seq }) => seq).sort((left, right) => left - right);
      const steps: StoredStep[] = [];
      while (steps.length < request.limit && seqs.length > 0) {
        const rows = await transaction.ledger.lockRunsBySeq({
          seqs: seqs.splice(0, request.limit - steps.length),
        });
        for (const row of rows) {
          const record = this.#readable(row);
          // Somebody may have renewed it meanwhile.
          if (!record || (row.lease_expires_at ?? Infinity) > row.now) continue;
          steps.push({ seq: row.seq, step: applyTakeOver(record, request, row.now) });
        }
      }
      return this.#end(transaction, steps);
    });
    return this.#answer(end);
  }

  async #claim(request: ClaimRequest, andReady: boolean): Promise<readonly JobRun[]> {
    if (request.limit <= 0) return [];
    return this.#answer(
      await this.connections.transaction(QUICK, (transaction) => this.#work(transaction, request, andReady)),
    );
  }

  async #answer({ steps, written, announcement, leftSome }: ClaimEnd): Promise<readonly JobRun[]> {
    const versions = new Map((await written).map(({ seq, version }) => [seq, version]));
    for (const { seq, step } of steps) {
      if (!isUnderWay(step.record)) continue;
      const record = { ...step.record, run: runCopy(step.record.run) };
      this.known.keep({ seq, record, version: versions.get(seq) ?? "", gated: gatesOf(record.run).length > 0 });
    }
    this.announce(announcement);
    if (leftSome) this.comeAgain();
    return steps.map(({ step }) => step.record.run);
  }

  async #work(transaction: LedgerTransaction, request: ClaimRequest, andReady: boolean): Promise<ClaimEnd> {
    const { ledger } = transaction;
    const guess = andReady ? this.#lines.filter((line) => fits(line, request.connections)) : [];
    const guessed = guess.length > 0 ? this.#ready(transaction, guess, request.limit, []) : Promise.resolve([]);
    const [{ now, overdue, due, lines: found }, guessedRows] = await Promise.all([ledger.look(), guessed]);
    const held = new HeldGates(ledger);
    const claim: Claim = {
      transaction,
      request,
      steps: [],
      calls: new GateCalls(),
      held,
      except: [],
      leftSome: false,
    };

    if (overdue) await this.#takeOverdue(claim, now);
    if (andReady && claim.steps.length < request.limit) {
      if (due) await ledger.wakeRuns({ now, limit: WOKEN_AT_ONCE });
      this.#lines = due ? (await ledger.readyLines()).map(({ connections }) => connections) : found;
      const lines = this.#lines.filter((line) => fits(line, request.connections));
      const stillGood = !due && !overdue && lines.every((line) => guess.includes(line));
      await this.#takeReady(claim, lines, stillGood ? guessedRows : undefined);
    }
    const called = await this.#call(claim);
    const end = this.#end(transaction, claim.steps);
    if (called) end.announcement.addPending();
    return { ...end, leftSome: claim.leftSome || called };
  }

  async #takeOverdue(claim: Claim, before: number): Promise<void> {
    const { transaction, request, steps, calls, held, except } = claim;
    while (steps.length < request.limit) {
      const limit = request.limit - steps.length;
      const rows = await transaction.ledger.overdueRuns({ before, limit, except });
      if (rows.length === 0) return;
      except.push(...rows.map(({ seq }) => seq));
      await held.take(rows.filter(({ queue }) => queue === "ready").flatMap(gateNames));
      for (const row of rows) {
        const record = this.#readable(row);
        if (!record) continue;
        const step = applyClaim(record, request, held.dateOf(row));
        const leaves = leavesGates(row, step.record);
        if (leaves && !held.hasAll(gateNames(row))) {
          claim.leftSome = true;
          continue;
        }
        if (leaves) calls.add(gateNames(row));
        steps.push({ seq: row.seq, step });
      }
    }
  }

  async #takeReady(claim: Claim, lines: readonly string[], first: readonly TimedRow[] | undefined): Promise<void> {
    const { transaction, request, steps, calls, held, except } = claim;
    let left = LOOKED_AT;
    let rows = (await this.#call(claim)) ? undefined : first;
    while (steps.length < request.limit && lines.length > 0) {
      const limit = request.limit - steps.length;
      rows ??= await this.#ready(transaction, lines, limit, except);
      if (rows.length === 0) return;
      const inOrder = [...rows].sort(byOrder).slice(0, limit);
      rows = undefined;
      await held.take(inOrder.flatMap(gateNames));
      let parked: Parked[] = [];
      for (const row of inOrder) {
        const record = this.#readable(row);
        const isOpen = held.hasAll(gateNames(row));
        const full =
          record && isOpen ? fullGate(record.run, ({ name }) => held.behind(JSON.stringify(name))) : undefined;
        if (record && full) {
          parked.push({ seq: row.seq, line: parkedLine(full, record.run) });
          calls.add(gateNames(row));
          left -= 1;
          continue;
        }
        // Whoever was called meanwhile may come before this one.
        const called = parked.length > 0 && (await this.#park(claim, parked));
        parked = [];
        if (called) break;
        except.push(row.seq);
        if (!isOpen) claim.leftSome = true;
        if (!record || !isOpen) continue;
        const step = applyClaim(record, request, held.dateOf(row));
        // Its start deadline may have passed meanwhile.
        if (leavesGates(row, step.record)) calls.add(gateNames(row));
        else held.enter(gateNames(row));
        steps.push({ seq: row.seq, step });
      }
      if (parked.length > 0) await this.#park(claim, parked);
      if (left <= 0) {
        claim.leftSome = true;
        return;
      }
    }
  }

  /** Whether others came up where the parked ones stood. */
  #park(claim: Claim, parked: readonly Parked[]): Promise<boolean> {
    const [seqs, lines] = [parked.map(({ seq }) => seq), parked.map(({ line }) => line)];
    void claim.transaction.ledger.park({ seqs, lines });
    return this.#call(claim);
  }

  async #call({ transaction, calls, held }: Claim): Promise<boolean> {
    const called = calls.take((name) => held.behind(name));
    const ready = called ? await transaction.ledger.callParked(called) : [];
    return ready.length > 0;
  }

  #ready(
    transaction: LedgerTransaction,
    lines: readonly string[],
    limit: number,
    except: readonly number[],
  ): Promise<readonly TimedRow[]> {
    return transaction.ledger.readyRuns({ lines, limit, except });
  }

  #end(transaction: LedgerTransaction, steps: readonly StoredStep[]): ClaimEnd {
    const announcement = new Announcement();
    for (const { step } of steps) announcement.addStep(step);
    if (steps.some(({ step }) => !isUnderWay(step.record))) transaction.makeDurable();
    const written = steps.length > 0 ? transaction.ledger.writeSteps(stepColumns(steps, 0)) : Promise.resolve([]);
    return { steps, written, announcement, leftSome: false };
  }

  #readable(row: FullRow): RunRecord | undefined {
    try {
      return recordOf(row, this.definitions.read);
    } catch (error) {
      if (!isJobError(error, "store_unavailable")) throw error;
      this.tell({ id: row.id, reason: error.message });
      return undefined;
    }
  }
}

const QUICK = { durable: false, plans: "finding" } as const;

function byOrder(left: FullRow, right: FullRow): number {
  return right.priority - left.priority || left.seq - right.seq;
}

/** Whether a line of runs, JSON text, needs no connection beyond these. */
function fits(line: string, available: readonly string[] | undefined): boolean {
  if (available === undefined) return true;
  try {
    return (JSON.parse(line) as readonly string[]).every((name) => available.includes(name));
  } catch {
    return false;
  }
}
