import { runCopy } from "../../../model/run-copy.js";
import type { RunRecord, RunStep } from "../../../model/run-record.js";
import { recordOf } from "../run-rows.js";
import { ActGroups, type Act } from "./act-groups.js";
import { Announcement } from "./announcement.js";
import type { Definitions } from "../definitions.js";
import { isUnderWay, type KnownRun, type KnownRuns } from "./known-runs.js";
import type { LedgerConnections, LedgerTransaction } from "./ledger-connections.js";
import { GateCalls, gateNames, leavesGates } from "./run-gates.js";
import { RELATIVE, type TimedRow } from "./ledger-rows.js";
import { stepColumns, type StoredStep } from "./step-columns.js";

/** What an act makes of a run; without a `step` nothing changes. `record` is undefined for an unknown run. */
export type Change<T> = (record: RunRecord | undefined, now: number) => { readonly answer: T; readonly step?: RunStep };

interface RunAct extends Act {
  readonly runId: string;
  readonly durable: boolean;
  /** Whether the step only sets times of its own by the clock: its run need not be read if it is known. */
  readonly relative: boolean;
  /** Gives the step, and what answers the act once that is committed. */
  take(record: RunRecord | undefined, now: number): { readonly step?: RunStep; readonly tell: () => void };
}

export interface ChangeKind {
  readonly durable: boolean;
  readonly relative: boolean;
}

interface KnownStep extends StoredStep {
  readonly known: KnownRun;
  readonly acts: readonly RunAct[];
}

interface GroupEnd {
  readonly tell: readonly (() => void)[];
  readonly announcement: Announcement;
  /** Runs that leave gates which the group had not locked, and those gates. */
  readonly unsettled: readonly RunAct[];
  readonly gates: readonly string[];
}

/** How many acts share a transaction. */
const LARGEST_GROUP = 256;

/** How many groups are under way at once: while one waits for the disk, the next is on its way. */
const SIDE_BY_SIDE = 3;

/** Carries out the acts that change one run each. */
export class RunChanges {
  readonly #groups: ActGroups<RunAct>;

  constructor(
    private readonly connections: LedgerConnections,
    private readonly known: KnownRuns,
    private readonly definitions: Definitions,
    private readonly announce: (announcement: Announcement) => void,
  ) {
    this.#groups = new ActGroups(
      (acts) => this.#carryOut(acts),
      LARGEST_GROUP,
      SIDE_BY_SIDE,
      ({ runId }) => runId,
    );
  }

  /**
   * @param durable whether the change must survive a power cut.
   * @param relative whether the time goes into nothing but `runAt`, `finishedAt`, the lease's end and the events' dates.
   */
  change<T>(runId: string, { durable, relative }: ChangeKind, change: Change<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const take: RunAct["take"] = (record, now) => {
        const { answer, step } = change(record, now);
        return { tell: () => resolve(answer), ...(step && { step }) };
      };
      this.#groups.ask({ runId, durable, relative, take, reject });
    });
  }

  idle(): Promise<void> {
    return this.#groups.idle();
  }

  async #carryOut(acts: readonly RunAct[]): Promise<void> {
    const toRead = await this.#writeKnown(acts);
    if (toRead.length > 0) await this.#readAndWrite(toRead, []);
  }

  // Gives the acts for which the run must be read.
  async #writeKnown(acts: readonly RunAct[]): Promise<readonly RunAct[]> {
    const steps: KnownStep[] = [];
    const toRead: RunAct[] = [];
    for (const [id, own] of byRun(acts)) {
      const known = this.known.get(id);
      const step = known && own.every(({ relative }) => relative) ? stepOf(own, known, RELATIVE) : undefined;
      if (known && step) steps.push({ seq: known.seq, step, known, acts: own });
      else toRead.push(...own);
    }
    if (steps.length === 0) return toRead;
    const kind = { durable: acts.some(({ durable }) => durable), plans: "finding" } as const;
    const given = { ...stepColumns(steps, RELATIVE), versions: steps.map(({ known }) => known.version) };
    // Nothing has to be known before the commit, which therefore need not wait.
    const { written } = await this.connections.transaction(kind, async ({ ledger }) => ({
      written: ledger.writeKnown(given),
    }));
    const bySeq = new Map((await written).map((row) => [row.seq, row]));
    const announcement = new Announcement();
    for (const { seq, known, acts: own } of steps) {
      const row = bySeq.get(seq);
      const { step, tell } = row ? takeAll(own, known.record, row.now) : NOTHING;
      if (!row || !step) {
        this.known.forget(known.record.run.id);
        toRead.push(...own);
        continue;
      }
      // Answers are the askers' own.
      if (isUnderWay(step.record)) {
        const record = { ...step.record, run: runCopy(step.record.run) };
        this.known.keep({ seq, record, version: row.version, gated: known.gated });
      } else this.known.forget(step.record.run.id);
      announcement.addStep(step);
      for (const one of tell) one();
    }
    this.announce(announcement);
    return toRead;
  }

  async #readAndWrite(acts: readonly RunAct[], gates: readonly string[]): Promise<void> {
    const kind = { durable: acts.some(({ durable }) => durable), plans: "finding" } as const;
    const end = await this.connections.transaction(kind, (transaction) => this.#work(transaction, acts, gates));
    this.announce(end.announcement);
    for (const tell of end.tell) tell();
    if (end.unsettled.length > 0) await this.#readAndWrite(end.unsettled, end.gates);
  }

  async #work({ ledger }: LedgerTransaction, acts: readonly RunAct[], gates: readonly string[]): Promise<GroupEnd> {
    // Gates before rows: a claim that parks a run behind one of them sees it either full, or the run that leaves it.
    if (gates.length > 0) void ledger.lockGates({ names: gates });
    const asked = byRun(acts);
    const rows = await ledger.lockRuns({ ids: [...asked.keys()].sort() });
    const found = new Map(rows.map((row) => [row.id, row]));
    const now = Math.max(0, ...rows.map((row) => row.now));

    const steps: StoredStep[] = [];
    const calls = new GateCalls();
    const end = { tell: [] as (() => void)[], announcement: new Announcement(), unsettled: [] as RunAct[] };
    const missing = new Set<string>();
    for (const [id, own] of asked) {
      const row = found.get(id);
      this.known.forget(id);
      const { step, tell } = this.#take(own, row, now);
      const names = row && step && leavesGates(row, step.record) ? gateNames(row) : [];
      if (names.some((name) => !gates.includes(name))) {
        for (const name of names) missing.add(name);
        end.unsettled.push(...own);
        continue;
      }
      calls.add(names);
      end.tell.push(...tell);
      if (!row || !step) continue;
      steps.push({ seq: row.seq, step });
      end.announcement.addStep(step);
    }
    if (steps.length > 0) void ledger.writeSteps(stepColumns(steps, now));
    // Counted there: this group's own steps are in the rows by then.
    const called = calls.take(() => null);
    if (called) {
      void ledger.callParked(called);
      end.announcement.addPending();
    }
    return { ...end, gates: [...missing] };
  }

  #take(acts: readonly RunAct[], row: TimedRow | undefined, now: number): TakenActs {
    try {
      return takeAll(acts, row && recordOf(row, this.definitions.read), now);
    } catch (error) {
      return { tell: acts.map((act) => () => act.reject(error)) };
    }
  }
}

function byRun(acts: readonly RunAct[]): ReadonlyMap<string, readonly RunAct[]> {
  const runs = new Map<string, RunAct[]>();
  for (const act of acts) {
    const own = runs.get(act.runId);
    if (own) own.push(act);
    else runs.set(act.runId, [act]);
  }
  return runs;
}

// The step that acts make of a known run; undefined when it must be read: something refuses, or it leaves gates.
function stepOf(acts: readonly RunAct[], { record, gated }: KnownRun, now: number): RunStep | undefined {
  const { step, tell } = takeAll(acts, record, now);
  return step && step.acts === tell.length && (!gated || isUnderWay(step.record)) ? step : undefined;
}

interface TakenActs {
  /** Undefined: nothing changes. */
  readonly step?: RunStep & { /** How many acts it is made of. */ readonly acts: number };
  readonly tell: readonly (() => void)[];
}

const NOTHING: TakenActs = { tell: [] };

// The acts of one run, each on what the one before made of it.
function takeAll(acts: readonly RunAct[], record: RunRecord | undefined, now: number): TakenActs {
  const tell: (() => void)[] = [];
  let step: TakenActs["step"];
  for (const act of acts) {
    try {
      const before = step?.record ?? record;
      // Answers are the askers' own.
      const taken = act.take(tell.length === 0 || !before ? before : { ...before, run: runCopy(before.run) }, now);
      tell.push(taken.tell);
      if (!taken.step) continue;
      const events = step ? [...step.events, ...taken.step.events] : taken.step.events;
      step = { record: taken.step.record, events, acts: (step?.acts ?? 0) + 1 };
    } catch (error) {
      tell.push(() => act.reject(error));
    }
  }
  return step ? { step, tell } : { tell };
}
