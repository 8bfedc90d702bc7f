import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { isJobError } from "../../src/model/job-error.js";
import type { RunTransition } from "../../src/model/run-change.js";
import type { RunEventBody } from "../../src/model/run-event.js";
import { RUN_STATUSES, type RunStatus } from "../../src/model/run-status.js";
import type { NewRun, RunQuery } from "../../src/model/run.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { seededRandom } from "../crash/seeded-random.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const ROUNDS = 6;
const STEPS = 1_500;

interface Act {
  readonly method: keyof JobStore;
  readonly call: (store: JobStore) => Promise<unknown>;
}

/** Those asked for at once may pass writes. */
const READS: readonly string[] = ["listRuns", "readEvents", "getRun", "nextRunAt"];

/** Random acts, most of them sensible: on runs that there are, by owners that may hold them. */
class RandomActs {
  readonly #random: () => number;
  #made = 0;

  constructor(
    seed: number,
    private readonly clock: ManualClock,
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
    const id = this.#id();
    const epoch = this.#below(4);
    const claim = { owner: `w-${this.#below(3)}`, limit: this.#below(4), leaseMs: 300 };
    const [run, change, events, query] = [this.#newRun(), this.#change(epoch), this.#events(), this.#query()];
    const reason = this.#one([null, "wrong month"]);
    const range = { after: this.#below(4), limit: this.#below(5) };
    const old = { finishedBefore: new Date(this.clock.now() - this.#one([0, 2_000])), limit: this.#below(3) };
    const act = (method: keyof JobStore, call: Act["call"]): Act => ({ method, call });
    const create = act("createRun", (store) => store.createRun(run));
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
      act("nextRunAt", (store) => store.nextRunAt()),
    ]);
    if (chosen === create) this.#made += 1;
    return chosen;
  }

  #newRun(): NewRun {
    const later = (): Date | null => this.#one([null, null, new Date(this.clock.now() + this.#below(60))]);
    return {
      id: this.#random() < 0.05 ? this.#id() : `run-${this.#made + 1}`,
      jobName: this.#one(["a", "b"]),
      definitionHash: `h${this.#below(2)}`,
      definition: {
        query: "select 1",
        parameters: [],
        destination: { table: "m.t", mode: { kind: "append" } },
        execution: {
          ...{ timeoutMs: 0, maxAttempts: 1, maxRecoveries: 3, priority: 0 },
          backoff: { kind: "constant", delayMs: 1, maxDelayMs: 1 },
        },
      },
      parameters: { z: this.#below(9), a: [null, { b: "ü\u0000" }] },
      priority: this.#one([0, 0, 1, -1.5]),
      idempotencyKey: this.#one([null, null, `k${this.#below(20)}`]),
      runAt: later(),
      startDeadline: later(),
    };
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
  ...["createRun: true", "createRun: false", "createRun: internal_error", "claimRuns: some", "claimExpired: some"],
  ...["transition: true", "transition: wrong_status", "transition: lease_lost", "transition: unknown_run"],
  ...["requestCancel: cancelled", "requestCancel: requested", "requestCancel: already_finished"],
  ...["renewLease: true", "renewLease: false", "appendEvents: true", "appendEvents: false", "pruneRuns: value"],
  ...["listRuns: value", "readEvents: some", "getRun: value", "nextRunAt: value"],
];

describe("MemoryJobStore and SqliteJobStore", () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const seed = SEED + round;
    it(`answer ${STEPS} steps of random acts alike (MILLRACE_SEED=${seed})`, async () => {
      const clock = new ManualClock();
      const memory = new MemoryJobStore();
      const sqlite = new SqliteJobStore({ path: ":memory:" });
      await Promise.all([memory.open({ clock }), sqlite.open({ clock })]);
      const random = new RandomActs(seed, clock);
      const outcomes = new Set<string>();
      for (let step = 0; step < STEPS; step += 1) {
        const next = random.next();
        const acts = next.length === 1 ? next : next.filter(({ method }) => !READS.includes(method));
        const expected = await answersOf(memory, acts);
        const asked = acts.map(({ method }) => method).join(", ");
        expect(await answersOf(sqlite, acts), `step ${step}: ${asked}`).toEqual(expected);
        acts.forEach((act, index) => outcomes.add(outcomeOf(act, expected[index])));
        await clock.advance(random.advance);
      }
      expect(await contents(sqlite)).toEqual(await contents(memory));
      expect([...outcomes]).toEqual(expect.arrayContaining(EVERY_OUTCOME));
      await Promise.all([memory.close(), sqlite.close()]);
    }, 60_000);
  }
});
