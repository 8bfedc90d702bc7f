import { newRunRecord, runIdTaken, type RunRecord } from "../../../model/run-record.js";
import type { CreatedRun, NewRun } from "../../../model/run.js";
import type { FullRow } from "../ledger-schema.js";
import { recordOf, rowOf } from "../run-rows.js";
import type { Clock } from "../../../ports/clock.js";
import { ActGroups } from "./act-groups.js";
import { Announcement } from "./announcement.js";
import type { Definitions } from "../definitions.js";
import { HeldSubmissions, heldElsewhere, PATIENCE_MS, type Submission } from "./held-submissions.js";
import type { LedgerConnections, LedgerTransaction, WithinHost } from "./ledger-connections.js";
import type { LedgerOperations } from "./ledger-operations.js";
import { columnsOf } from "./step-columns.js";
import { SUBMITTED, type Submissions } from "./ledger-rows.js";

/** `taken`: one of the ids is. `held`: another transaction stands in the way. */
type InsertEnd = readonly CreatedRun[] | "taken" | "held";

/** How many submissions share a transaction. */
const LARGEST_GROUP = 256;

/**
 * How long a group waits for a transaction that holds one of its keys, before its submissions are tried apart, and how
 * long they wait there. Transactions of other stores are mostly over in the first time.
 */
const GROUP_PATIENCE_MS = 25;
const APART_PATIENCE_MS = 5;

const ADDING = { durable: true, plans: "adding" } as const;

/** Stores new runs. */
export class RunCreation {
  readonly #plain: ActGroups<Submission>;
  /** Apart, since their answer has to be known before the commit. */
  readonly #keyed: ActGroups<Submission>;
  readonly #held: HeldSubmissions;

  constructor(
    private readonly connections: LedgerConnections,
    private readonly definitions: Definitions,
    private readonly announce: (announcement: Announcement) => void,
    clock: Clock,
  ) {
    const tryApart = (acts: readonly Submission[]): Promise<readonly Submission[]> => this.#tryApart(acts);
    this.#held = new HeldSubmissions(clock, tryApart, () => heldElsewhere(connections.ledger, PATIENCE_MS));
    const carryOut = (acts: readonly Submission[]): Promise<void> => this.#carryOut(acts);
    this.#plain = new ActGroups(carryOut, LARGEST_GROUP);
    this.#keyed = new ActGroups(carryOut, LARGEST_GROUP);
  }

  create(given: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    if (given.length === 0) return Promise.resolve([]);
    const groups = given.some(hasKey) ? this.#keyed : this.#plain;
    const runs = given.map((run) => this.definitions.newRunCopy(run));
    return new Promise((resolve, reject) => groups.ask({ runs, resolve, reject }));
  }

  /** In whatever transaction the host's connection is in. */
  async createIn(within: WithinHost, given: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    // Nothing at all is sent: the host asks so in vain, and may give the client back at once.
    if (given.length === 0) return [];
    const drafts = given.map((run) => draftOf(this.definitions.newRunCopy(run)));
    try {
      return await within((ledger) => this.#insert(drafts, ledger));
    } catch (error) {
      throw this.connections.isTaken(error) ? runIdTaken(await this.#takenId(drafts)) : error;
    }
  }

  /** Resolves when everything is answered. */
  async close(): Promise<void> {
    await Promise.all([this.#plain.idle(), this.#keyed.idle()]);
    await this.#held.close();
  }

  async #carryOut(acts: readonly Submission[]): Promise<void> {
    const waiting = this.#held.keys();
    const isFree = ({ runs }: Submission): boolean => !runs.some(({ idempotencyKey: key }) => waiting.has(key));
    const free = waiting.size === 0 ? acts : acts.filter(isFree);
    const held = waiting.size === 0 ? [] : acts.filter((act) => !isFree(act));
    try {
      if (free.length > 0) this.#answer(free, await this.#create(free.flatMap(draftsOf)));
    } catch (error) {
      // One of them is in the way of all.
      if (this.connections.isTaken(error) || this.connections.isLockedOut(error)) held.push(...free);
      else for (const act of free) act.reject(error);
    }
    this.#held.add(held);
  }

  #answer(acts: readonly Submission[], created: readonly CreatedRun[]): void {
    this.announce(announcementOf(created));
    let next = 0;
    for (const act of acts) act.resolve(created.slice(next, (next += act.runs.length)));
  }

  /** Without waiting: all together, else each by itself. @returns those that another transaction holds up. */
  async #tryApart(acts: readonly Submission[]): Promise<readonly Submission[]> {
    const kind = { ...ADDING, patienceMs: APART_PATIENCE_MS };
    const tried = await this.connections.transaction(kind, async (transaction) => {
      const together = await this.#insertApart(acts, transaction);
      if (acts.length === 1 || typeof together !== "string") return [{ acts, end: together }];
      const apart: { readonly acts: readonly Submission[]; readonly end: InsertEnd }[] = [];
      for (const act of acts) apart.push({ acts: [act], end: await this.#insertApart([act], transaction) });
      return apart;
    });
    const held: Submission[] = [];
    for (const { acts: some, end } of tried) {
      if (end === "held") held.push(...some);
      else if (end === "taken") for (const act of some) act.reject(runIdTaken(await this.#takenId(draftsOf(act))));
      else this.#answer(some, end);
    }
    return held;
  }

  async #insertApart(acts: readonly Submission[], transaction: LedgerTransaction): Promise<InsertEnd> {
    try {
      return await transaction.apart(() => this.#insert(acts.flatMap(draftsOf), transaction.ledger));
    } catch (error) {
      if (this.connections.isTaken(error)) return "taken";
      if (this.connections.isLockedOut(error)) return "held";
      throw error;
    }
  }

  async #create(drafts: readonly RunRecord[]): Promise<readonly CreatedRun[]> {
    const kind = { ...ADDING, patienceMs: GROUP_PATIENCE_MS };
    if (drafts.some(({ run }) => hasKey(run))) {
      return this.connections.transaction(kind, ({ ledger }) => this.#insert(drafts, ledger));
    }
    // Nothing has to be known before the commit, which therefore need not wait.
    const { made } = await this.connections.transaction(kind, async ({ ledger }) => ({
      made: ledger.insertRuns(this.#submissions(drafts)),
    }));
    const [first] = await made;
    return drafts.map((draft) => madeOf(draft, first?.now ?? 0));
  }

  async #insert(drafts: readonly RunRecord[], ledger: LedgerOperations): Promise<readonly CreatedRun[]> {
    const answers = new Map<RunRecord, CreatedRun>();
    for (let left = drafts; left.length > 0; left = left.filter((draft) => !answers.has(draft))) {
      const made = new Map((await ledger.insertRuns(this.#submissions(left))).map(({ id, now }) => [id, now]));
      for (const draft of left) {
        const now = made.get(draft.run.id);
        // A second one of the same id and key was not made.
        if (made.delete(draft.run.id) && now !== undefined) answers.set(draft, madeOf(draft, now));
      }
      const unmade = left.filter((draft) => !answers.has(draft));
      const known = await this.#known(unmade, ledger);
      for (const draft of unmade) {
        const row = known.get(draft.run.idempotencyKey);
        if (row) answers.set(draft, { run: recordOf(row, this.definitions.read).run, created: false });
      }
    }
    return drafts.flatMap((draft) => answers.get(draft) ?? []);
  }

  async #known(drafts: readonly RunRecord[], ledger: LedgerOperations): Promise<ReadonlyMap<string | null, FullRow>> {
    if (drafts.length === 0) return new Map();
    const byText = new Map(drafts.map(({ run: { idempotencyKey: key } }) => [JSON.stringify(key), key]));
    const rows = await ledger.runsByKey({ keys: [...byText.keys()] });
    return new Map(rows.map((row) => [byText.get(row.idempotency_key ?? "") ?? null, row]));
  }

  #submissions(drafts: readonly RunRecord[]): Submissions {
    const rows = drafts.map((draft) => ({
      ...rowOf(draft, 0),
      definition: this.definitions.textOf(draft.run.definition),
      parameters: JSON.stringify(draft.run.parameters),
      body: JSON.stringify({ type: "run.pending", jobName: draft.run.jobName }),
    }));
    return columnsOf(rows, SUBMISSION_NAMES);
  }

  async #takenId(drafts: readonly RunRecord[]): Promise<string> {
    const ids = drafts.map(({ run }) => run.id);
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (twice !== undefined) return twice;
    const taken = await this.connections.transaction({ durable: false, plans: "finding" }, ({ ledger }) =>
      ledger.takenIds({ ids }),
    );
    return taken[0]?.id ?? ids.join(", ");
  }
}

function draftsOf({ runs }: Submission): readonly RunRecord[] {
  return runs.map(draftOf);
}

// As of no time: that is the database's to say.
function draftOf(run: NewRun): RunRecord {
  return newRunRecord(run, 0).record;
}

function madeOf({ run }: RunRecord, now: number): CreatedRun {
  return { run: { ...run, createdAt: new Date(now) }, created: true };
}

const SUBMISSION_NAMES = [
  ...(Object.keys(SUBMITTED) as (keyof typeof SUBMITTED)[]),
  "definition",
  "parameters",
  "body",
] as const;

export function announcementOf(created: readonly CreatedRun[]): Announcement {
  const announcement = new Announcement();
  if (created.some((one) => one.created)) announcement.addPending();
  return announcement;
}

function hasKey({ idempotencyKey }: Pick<NewRun, "idempotencyKey">): boolean {
  return idempotencyKey !== null;
}
