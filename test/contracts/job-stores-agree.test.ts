import { describe, expect, it } from "vitest";
import { isJobError } from "../../src/model/job-error.js";
import type { RunTransition } from "../../src/model/run-change.js";
import type { RunEventBody } from "../../src/model/run-event.js";
import { RUN_STATUSES, type RunStatus } from "../../src/model/run-status.js";
import type { NewRun, RunQuery } from "../../src/model/run.js";
import type { JobStore } from "../../src/ports/job-store.js";
import type { Clock } from "../../src/ports/clock.js";
import { newRun } from "../adapters/sqlite/store-fixture.js";
import { seededRandom } from "../crash/seeded-random.js";
import { JOB_STORES, SEED } from "../support/job-stores.js";

const ROUNDS = 6;
const STEPS = 1_500;

interface Act {
  readonly method: keyof JobStore;
  readonly call: (store: JobStore) => Promise<unknown>;
}

/** Those asked for at once may pass writes. */
const READS: readonly string[] = [
  "listRuns",
  "readEvents",
  "getRun",
  "nextDueAt",
  "missingConnections",
  "cancelRequests",
];

/** Random acts, most of them sensible: on runs that there are, by owners that may hold them. */
class RandomActs {
  readonly #random: () => number;
  #made = 0;

  constructor(
    seed: number,
    private readonly clock: Clock,
  ) {
    this.#random = seededRandom(seed);
  }

  /** The next acts; those of one array are asked for at once. */
  next(): readonly Act[] {
    return Array.from({ length: this.#one([1, 1, 1, 2, 5]) }, () => this.#act());
  }

  get advance(): number {
    return this.#one([0, 0, 0, 1, 20, 400]);
  }

  #act(): Act {
    const made = this.#made;
    const id = this.#id();
    const epoch = this.#below(4);
    const [owner, limit, connections] = [`w-${this.#below(3)}`, this.#below(4), this.#connections()];
    const claim = { owner, limit, leaseMs: 300, ...(this.#random() < 0.5 && { connections }) };
    const runs = Array.from({ length: this.#one([1, 1, 1, 0, 4]) }, () => this.#newRun());
    const [change, events, query] = [this.#change(epoch), this.#events(), this.#query()];
    const reason = this.#one([null, "wrong month"]);
    const range = { after: this.#below(4), limit: this.#below(5) };
    const olderThanMs = this.#one([0, 2_000]);
    const statuses = this.#one([undefined, ["failed"], ["succeeded", "cancelled", "pending"]] as const);
    const old = { olderThanMs, limit: this.#below(3), ...(statuses && { statuses }) };
    const act = (method: keyof JobStore, call: Act["call"]): Act => ({ method, call });
    const create = act("createRuns", (store) => store.createRuns(runs));
    const start = act("claimRuns", (store) => store.claimRuns(claim));
    const move = act("transition", (store) => store.transition(id, change, events));
    const chosen = this.#one([
      ...[create, create, create, start, start, move, move, move, move],
      act("claimExpired", (store) => store.claimExpired(claim)),
      act("requestCancel", (store) => store.requestCancel(id, reason)),
      act("renewLease", (store) => store.renewLease(id, { epoch, leaseMs: 300 })),
      act("appendEvents", (store) => store.appendEvents(id, epoch, events)),
      act("pruneRuns", (store) => store.pruneRuns(old)),
      act("listRuns", (store) => store.listRuns(query)),
      act("readEvents", (store) => store.readEvents(id, range)),
      act("getRun", (store) => store.getRun(id)),
      act("nextDueAt", (store) => store.nextDueAt()),
      act("failOverdue", (store) => store.failOverdue(limit)),
      act("missingConnections", (store) => store.missingConnections(connections)),
      act("cancelRequests", (store) => store.cancelRequests(owner)),
    ]);
    if (chosen !== create) this.#made = made;
    return chosen;
  }

  #newRun(): NewRun {
    const later = (): Date | null => this.#one([null, null, new Date(this.clock.now() + this.#below(60))]);
    // An id that is taken has its whole batch refused.
    const taken = this.#random() < 0.03;
    if (!taken) this.#made += 1;
    return newRun(
      taken ? this.#id() : `run-${this.#made}`,
      {
        jobName: this.#one(["a", "b"]),
        definitionHash: `h${this.#below(2)}`,
        parameters: { z: this.#below(9), a: [null, { b: "ü\u0000" }] },
        priority: this.#one([0, 0, 1, -1.5]),
        idempotencyKey: this.#one([null, null, `k${this.#below(20)}`]),
        connections: this.#connections(),
        concurrencyKey: this.#one([null, null, "eu", "us\u0000"]),
        redriveOf: this.#one([null, null, this.#id()]),
        runAt: later(),
        startDeadline: later(),
      },
      { maxConcurrent: this.#one([0, 0, 2, 3]), maxConcurrentPerKey: this.#one([1, 2]) },
    );
  }

  #connections(): readonly string[] {
    return this.#one([[], [], ["crm"], ["lake"], ["crm", "lake"]]);
  }

  #change(epoch: number): RunTransition {
    const maybe = <T extends object>(part: T): T | object => (this.#random() < 0.2 ? part : {});
    const from = this.#one<RunStatus>([
      "pending",
      "running",
      "running",
      "running",
      "committing",
      "committing",
      "failed",
    ]);
    return {
      ...{ from, to: this.#one(RUN_STATUSES), epoch },
      ...maybe({ unlessCancelRequested: true }),
      ...maybe({ renewLeaseMs: 500 }),
      ...maybe({ commitId: `c${this.#below(9)}` }),
      ...maybe({ rowsWritten: this.#below(9) }),
      ...maybe({ snapshotId: "v1" }),
      ...maybe({ error: { code: "query_failed", message: "m", hint: "h", retryable: true } }),
      ...maybe({ delayMs: this.#below(50) }),
      ...maybe({ uncountAttempt: true }),
      ...maybe({ countRecovery: true }),
    };
  }

  #events(): readonly RunEventBody[] {
    return Array.from({ length: this.#below(3) }, () => ({ type: "run.progress", rows: this.#below(99), bytes: null }));
  }

  #query(): RunQuery {
    const status = this.#one([undefined, "pending", "failed", ["running", "succeeded"], [...RUN_STATUSES]] as const);
    const jobName = this.#one([undefined, "a"]);
    const cursor = this.#one([undefined, undefined, btoa(String(1 + this.#below(this.#made + 2))).replaceAll("=", "")]);
    return {
      limit: this.#one([2, 5, 100]),
      ...(status && { status }),
      ...(jobName && { jobName }),
      ...(cursor && { cursor }),
    };
  }

  // Mostly one of the newest, which are still moving.
  #id(): string {
    return `run-${Math.max(1, this.#made - Math.floor(this.#random() ** 2 * 30))}`;
  }

  #one<const T>(of: readonly T[]): T {
    return of[this.#below(of.length)] as T;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

async function answersOf(store: JobStore, acts: readonly Act[]): Promise<readonly unknown[]> {
  const answers = await Promise.allSettled(acts.map(({ call }) => call(store)));
  return answers.map((answer) => {
    if (answer.status === "fulfilled") return answer.value;
    if (!isJobError(answer.reason)) throw answer.reason;
    return { code: answer.reason.code, message: answer.reason.message, field: answer.reason.field };
  });
}

/** What an act came to, in a word, to see that the random acts were not all in vain. */
function outcomeOf({ method }: Act, answer: unknown): string {
  if (Array.isArray(answer)) return `${method}: ${answer.length > 0 ? "some" : "none"}`;
  if (typeof answer === "string" || typeof answer === "boolean") return `${method}: ${answer}`;
  const { moved, reason, created, held, code } = (answer ?? {}) as Record<string, string | boolean | undefined>;
  const none = answer === undefined ? "nothing" : "value";
  return `${method}: ${reason ?? moved ?? created ?? held ?? code ?? none}`;
}

async function contents(store: JobStore): Promise<unknown> {
  const { runs } = await store.listRuns({ limit: 1_000 });
  return Promise.all(runs.map(async (run) => [run, await store.readEvents(run.id, { after: 0, limit: 1_000 })]));
}

const EVERY_OUTCOME = [
  ...["createRuns: some", "createRuns: none", "createRuns: internal_error", "claimRuns: some", "claimExpired: some"],
  ...["transition: true", "transition: wrong_status", "transition: lease_lost", "transition: unknown_run"],
  ...["requestCancel: cancelled", "requestCancel: requested", "requestCancel: already_finished"],
  ...["renewLease: true", "renewLease: false", "appendEvents: true", "appendEvents: false", "pruneRuns: value"],
  ...["listRuns: value", "readEvents: some", "getRun: value", "nextDueAt: value"],
  ...["failOverdue: some", "missingConnections: some", "missingConnections: none", "cancelRequests: some"],
];

// A store on a server does what is asked at once side by side, and its cursors leave numbers out.
const { MemoryJobStore: first, SqliteJobStore } = JOB_STORES;
const others = { SqliteJobStore };

describe.each(Object.entries(others))("MemoryJobStore and %s", (_name, make) => {
  const outcomes = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const seed = SEED + round;
    it(`answer ${STEPS} steps of random acts alike (MILLRACE_SEED=${seed})`, async () => {
      await using memory = await first();
      await using other = await make();
      const random = new RandomActs(seed, memory.clock);
      for (let step = 0; step < STEPS; step += 1) {
        const next = random.next();
        const acts = next.length === 1 ? next : next.filter(({ method }) => !READS.includes(method));
        const expected = await answersOf(memory.store, acts);
        const asked = acts.map(({ method }) => method).join(", ");
        expect(await answersOf(other.store, acts), `step ${step}: ${asked}`).toEqual(expected);
        acts.forEach((act, index) => outcomes.add(outcomeOf(act, expected[index])));
        const advance = random.advance;
        await Promise.all([memory, other].map(({ clock }) => clock.advance(advance)));
      }
      expect(await contents(other.store)).toEqual(await contents(memory.store));
    }, 60_000);
  }

  it("came to every outcome on the way", () => {
    expect([...outcomes]).toEqual(expect.arrayContaining(EVERY_OUTCOME));
  });
});
