import { describe, expect, it } from "vitest";
import { applyCancel } from "../../src/model/apply-cancel.js";
import { applyClaim } from "../../src/model/apply-claim.js";
import { applyTransition } from "../../src/model/apply-transition.js";
import { EXECUTION_DEFAULTS, type ExecutionPolicy } from "../../src/model/job-definition.js";
import type { RunEvent, RunEventBody } from "../../src/model/run-event.js";
import { newRunRecord, type RunRecord, type RunStep } from "../../src/model/run-record.js";
import type { RunTransition } from "../../src/model/run-change.js";
import type { JobRun } from "../../src/model/run.js";
import type { PlannedRun } from "./chaos-plan.js";
import { checkHistory } from "./check-history.js";
import type { History } from "./history.js";

const PLANNED: PlannedRun = {
  tag: "t",
  job: "plain",
  rows: 3,
  holdMs: 0,
  trouble: "none",
  shop: "s",
  priority: 0,
  runAfterMs: null,
  startWithinMs: null,
  twice: false,
  within: null,
};
const ERROR = { code: "query_failed", message: "", hint: "", retryable: true } as const;

/** A run's life, told by the model itself. */
class Life {
  readonly events: RunEvent[] = [];
  #record: RunRecord;

  constructor(
    readonly id: string,
    execution: Partial<ExecutionPolicy> = {},
    at = 0,
    readonly tag = "t",
  ) {
    const step = newRunRecord(
      {
        id,
        jobName: "plain",
        definitionHash: "",
        definition: {
          query: "",
          parameters: [],
          destination: { table: "a.t", mode: { kind: "append" } },
          execution: { ...EXECUTION_DEFAULTS, ...execution },
        },
        parameters: { tag },
        priority: 0,
        idempotencyKey: null,
        connections: [],
        concurrencyKey: null,
        redriveOf: null,
        runAt: null,
        startDeadline: null,
      },
      at,
    );
    this.#record = step.record;
    this.events.push(...step.events);
  }

  get run(): JobRun {
    return this.#record.run;
  }

  claim(at: number, owner = "w1"): this {
    return this.#take(applyClaim(this.#record, { owner, limit: 1, leaseMs: 500 }, at));
  }

  commit(at: number): this {
    return this.#move(
      at,
      { to: "committing", commitId: this.id },
      { type: "run.committing", commitId: this.id, rowsStaged: 3 },
    );
  }

  succeed(at: number): this {
    return this.#move(
      at,
      { to: "succeeded", rowsWritten: 3 },
      { type: "run.succeeded", rowsWritten: 3, snapshotId: null },
    );
  }

  fail(at: number): this {
    return this.#move(at, { to: "failed", error: ERROR }, { type: "run.failed", error: ERROR });
  }

  retry(at: number, cause: "error" | "recovered" | "handed_back"): this {
    const uncount = cause === "error" ? {} : { uncountAttempt: true };
    return this.#move(
      at,
      { to: "pending", ...uncount },
      { type: "run.retrying", cause, error: null, nextAttemptAt: null },
    );
  }

  cancel(at: number): this {
    const { step } = applyCancel(this.#record, null, at);
    return step ? this.#take(step) : this;
  }

  #move(at: number, change: Partial<RunTransition> & Pick<RunTransition, "to">, event: RunEventBody): this {
    const { status, lease } = this.run;
    const step = applyTransition(this.#record, { from: status, epoch: lease?.epoch ?? 0, ...change }, [event], at);
    if (typeof step === "string") throw new Error(step);
    return this.#take(step);
  }

  #take(step: RunStep): this {
    this.#record = step.record;
    this.events.push(...step.events);
    return this;
  }
}

function historyOf(lives: readonly Life[], changes: Partial<History> = {}): History {
  const done = lives.filter(({ run }) => run.status === "succeeded");
  return {
    planned: lives.map(({ tag }) => ({ ...PLANNED, tag })),
    submits: new Map(
      lives.map(({ tag, id }) => [tag, { answers: [{ runId: id, created: true }], unanswered: 0, refused: [] }]),
    ),
    runs: lives.map(({ run }) => run),
    events: new Map(lives.map(({ id, events }) => [id, events])),
    written: done.map(({ tag }) => ({ tag, rows: 3, distinct: 3 })),
    commits: done.map(({ id }) => ({ commitId: id, state: "committed", rowsWritten: 3 })),
    hostChanges: new Set(),
    firstEnds: new Map(),
    mostBehind: new Map(),
    cancels: [],
    tails: [],
    excused: new Set(),
    crashes: [],
    ...changes,
  };
}

const good = (): Life => new Life("r").claim(1).commit(2).succeed(3);
const rules = (history: History): readonly string[] => [...new Set(checkHistory(history).map(({ rule }) => rule))];

describe("the checker of histories", () => {
  it("finds nothing in lives that keep the laws", () => {
    const lives = [
      new Life("r1", {}, 0, "t1").claim(1).commit(2).succeed(3),
      new Life("r2", { maxAttempts: 2 }, 0, "t2").claim(1).retry(2, "error").claim(3).fail(4),
      new Life("r3", {}, 0, "t3").claim(1).commit(2).retry(3, "recovered").claim(4, "w2").commit(5).succeed(6),
      new Life("r4", {}, 0, "t4").claim(1).retry(2, "handed_back").cancel(3),
    ];
    const history = historyOf(lives, {
      excused: new Set(["w1"]),
      firstEnds: new Map(lives.map(({ id, run }) => [id, run])),
      tails: [{ runId: "r1", seqs: [1, 2, 3, 4] }],
      cancels: [{ runId: "r4", outcome: "cancelled" }],
    });
    expect(checkHistory(history)).toEqual([]);
  });

  it("sees a run that has not ended", () => {
    expect(rules(historyOf([new Life("r").claim(1).commit(2)]))).toEqual(["not_ended"]);
  });

  it("sees rows twice, rows in part, rows of a run that failed, and rows of nobody", () => {
    const written = (tag: string, rows: number, distinct: number) => ({ written: [{ tag, rows, distinct }] });
    expect(rules(historyOf([good()], written("t", 6, 3)))).toEqual(["rows"]);
    expect(rules(historyOf([good()], written("t", 2, 2)))).toEqual(["rows"]);
    expect(rules(historyOf([good()], written("t", 3, 2)))).toEqual(["rows"]);
    expect(rules(historyOf([new Life("r").claim(1).fail(2)], written("t", 3, 3)))).toEqual(["rows"]);
    expect(rules(historyOf([], written("other", 3, 3)))).toEqual(["rows"]);
  });

  it("sees a commit of a run that failed, two commits of one, none of one that succeeded, and another count", () => {
    const commit = (commitId: string, rowsWritten = 3) => ({ commitId, state: "committed", rowsWritten });
    const failed = new Life("r").claim(1).fail(2);
    expect(rules(historyOf([failed], { commits: [commit("r")] }))).toEqual(["commits"]);
    expect(rules(historyOf([good()], { commits: [commit("r"), commit("r.2")] }))).toEqual(["commits"]);
    expect(rules(historyOf([good()], { commits: [{ ...commit("r"), state: "never" }] }))).toEqual(["commits"]);
    expect(rules(historyOf([good()], { commits: [commit("r", 4)] }))).toEqual(["commits"]);
  });

  it("sees a gap in the numbers, a number twice, an event that is missing at the end", () => {
    const life = good();
    const without = (seq: number) => new Map([["r", life.events.filter((event) => event.seq !== seq)]]);
    expect(rules(historyOf([life], { events: without(2) }))).toContain("seq");
    expect(rules(historyOf([life], { events: without(4) }))).toEqual(expect.arrayContaining(["seq", "status"]));
    const twice = new Map([["r", [...life.events.slice(0, 2), ...life.events.slice(1)]]]);
    expect(rules(historyOf([life], { events: twice }))).toContain("seq");
  });

  it("sees a step that is not in the table, and one after the end", () => {
    const life = good();
    const at = new Date(4);
    const more = (event: RunEventBody): History => {
      const events = [...life.events, { ...event, runId: "r", seq: 5, at, attempt: 1 }];
      const run = { ...life.run, lastEventSeq: 5, finishedAt: at };
      return historyOf([life], { runs: [run], events: new Map([["r", events]]) });
    };
    expect(rules(more({ type: "run.failed", error: ERROR }))).toEqual(["transition", "status"]);
    expect(rules(more({ type: "run.succeeded", rowsWritten: 3, snapshotId: null }))).toEqual(["transition"]);
    expect(rules(more({ type: "run.progress", rows: 1, bytes: null }))).toEqual(["transition"]);
  });

  it("sees a status that is not its log's, and a log that goes back in time", () => {
    const life = good();
    const failed: JobRun = { ...life.run, status: "cancelled" };
    expect(rules(historyOf([life], { runs: [failed], written: [], commits: [] }))).toEqual(["status"]);
    const events = life.events.map((event) => (event.seq === 3 ? { ...event, at: new Date(0) } : event));
    expect(rules(historyOf([life], { events: new Map([["r", events]]) }))).toEqual(["time"]);
  });

  it("sees an end that changed", () => {
    const life = good();
    const earlier = new Life("r").claim(1).fail(2).run;
    expect(rules(historyOf([life], { firstEnds: new Map([["r", earlier]]) }))).toEqual(["not_final"]);
  });

  it("sees a permit after a wish to cancel, and a cancel that was told and not done", () => {
    const life = new Life("r").claim(1).cancel(2).commit(3).succeed(4);
    const cancels = [{ runId: "r", outcome: "requested" }] as const;
    expect(rules(historyOf([life], { cancels }))).toEqual(["cancel"]);
    expect(rules(historyOf([good()], { cancels: [{ runId: "r", outcome: "cancelled" }] }))).toEqual(["cancel"]);
  });

  it("sees an attempt too many, and one that a stop or a recovery spent", () => {
    const many = new Life("r", { maxAttempts: 1 }).claim(1).retry(2, "error").claim(3).fail(4);
    expect(rules(historyOf([many]))).toEqual(["attempt"]);
    const spent = new Life("r", { maxAttempts: 3 }).claim(1).retry(2, "handed_back").claim(3).fail(4);
    const events = spent.events.map((event) => (event.seq > 3 ? { ...event, attempt: 2 } : event));
    expect(rules(historyOf([spent], { events: new Map([["r", events]]) }))).toEqual(["attempt"]);
  });

  it("sees too many runs behind a gate; one that leaves makes room in the same instant", () => {
    const gated = { maxConcurrent: 1 };
    const first = (left: number): Life => new Life("r1", gated, 0, "t1").claim(1).commit(2).succeed(left);
    const second = new Life("r2", gated, 0, "t2").claim(5).commit(6).succeed(7);
    expect(rules(historyOf([first(5), second]))).toEqual([]);
    expect(rules(historyOf([first(6), second]))).toEqual(["gate"]);
    expect(rules(historyOf([second], { mostBehind: new Map([["job:plain", 2]]) }))).toEqual(["gate"]);
  });

  it("sees a run taken from an owner that lived", () => {
    const life = new Life("r").claim(1, "w1").retry(2, "recovered").claim(3, "w2").fail(4);
    expect(rules(historyOf([life], { excused: new Set(["w2"]) }))).toEqual(["take_over"]);
    expect(rules(historyOf([life], { excused: new Set(["w1"]) }))).toEqual([]);
  });

  it("sees a process that crashed", () => {
    expect(rules(historyOf([good()], { crashes: ["process 1 ended by itself"] }))).toEqual(["crash"]);
  });

  it("sees a tail that missed an event or gave one twice", () => {
    for (const seqs of [
      [1, 2, 4],
      [1, 2, 2, 3, 4],
      [1, 2, 3],
    ]) {
      expect(rules(historyOf([good()], { tails: [{ runId: "r", seqs }] }))).toEqual(["tail"]);
    }
  });

  it("sees submits that were lost, doubled, or made up", () => {
    const planned = [PLANNED];
    const lost = {
      submits: new Map([["t", { answers: [{ runId: "x", created: true }], unanswered: 0, refused: [] }]]),
    };
    expect(rules(historyOf([], { planned, ...lost }))).toEqual(["submits"]);
    const twins = [good(), new Life("r2").claim(1).commit(2).succeed(3)];
    const both = { planned, written: [{ tag: "t", rows: 6, distinct: 3 }] };
    expect(rules(historyOf(twins, both))).toEqual(["submits"]);
    expect(rules(historyOf([good()], { planned: [], written: [{ tag: "t", rows: 3, distinct: 3 }] }))).toContain(
      "submits",
    );
    expect(rules(historyOf([], { planned, submits: new Map() }))).toEqual(["submits"]);
  });

  it("sees one key with two runs, or with two makers", () => {
    const planned = [{ ...PLANNED, twice: true }];
    const twins = [good(), new Life("r2").claim(1).commit(2).succeed(3)];
    const written = [{ tag: "t", rows: 6, distinct: 3 }];
    expect(rules(historyOf(twins, { planned, written }))).toEqual(["idempotency"]);
    const answers = [1, 2].map(() => ({ runId: "r", created: true }));
    const submits = new Map([["t", { answers, unanswered: 0, refused: [] }]]);
    expect(rules(historyOf([good()], { planned, submits }))).toEqual(["idempotency"]);
  });

  it("sees a run without its transaction, and a transaction without its run", () => {
    const planned = (within: PlannedRun["within"]) => [{ ...PLANNED, within }];
    const hostChanges = new Set(["t"]);
    expect(rules(historyOf([good()], { planned: planned("commit"), hostChanges }))).toEqual([]);
    expect(rules(historyOf([good()], { planned: planned("die") }))).toEqual(["transaction"]);
    expect(rules(historyOf([], { planned: planned("commit"), hostChanges }))).toEqual(["transaction"]);
    expect(rules(historyOf([good()], { planned: planned("rollback"), hostChanges }))).toEqual(["transaction"]);
  });
});
