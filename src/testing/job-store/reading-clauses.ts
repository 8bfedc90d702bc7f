import assert from "node:assert/strict";
import type { JobRun, RunQuery } from "../../model/run.js";
import { ids, refused, type Clauses, type Trial } from "./trial.js";

export const readingClauses: Clauses = {
  "runs are listed newest first, also within one instant": async (trial) => {
    const runs = [...(await trial.submitMany(3))];
    await trial.clock.advance(5);
    runs.push(...(await trial.submitMany(3)));
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), ids(runs.reverse()));
  },

  "pages join without a gap or a repetition while runs are added and move on": async (trial) => {
    const runs = await trial.submitMany(25);
    const seen: JobRun[] = [];
    for (let query: RunQuery = { limit: 4 }; ;) {
      const { runs: page, nextCursor } = await trial.store.listRuns(query);
      assert(page.length <= 4);
      seen.push(...page);
      if (nextCursor === undefined) break;
      await trial.submit();
      await trial.claim({ limit: 1 });
      query = { limit: 4, cursor: nextCursor };
    }
    assert.deepEqual(ids(seen), ids([...runs].reverse()));
  },

  "the last page has no cursor, also when it is full": async (trial) => {
    await trial.submitMany(4);
    const { nextCursor } = await trial.store.listRuns({ limit: 2 });
    assert(nextCursor !== undefined);
    const last = await trial.store.listRuns({ limit: 2, cursor: nextCursor });
    assert.equal(last.runs.length, 2);
    assert(!("nextCursor" in last));
    assert.deepEqual(await trial.store.listRuns({ jobName: "nobody" }), { runs: [] });
  },

  "runs are found by job, by status, by several statuses and by both": async (trial) => {
    await trial.runAt("succeeded", { id: "a-done", jobName: "a" });
    await trial.runAt("failed", { id: "a-failed", jobName: "a" });
    await trial.runAt("failed", { id: "b-failed", jobName: "b" });
    await trial.runAt("running", { id: "a-running", jobName: "a" });
    await trial.runAt("pending", { id: "b-pending", jobName: "b" });
    await found(trial, {}, ["b-pending", "a-running", "b-failed", "a-failed", "a-done"]);
    await found(trial, { jobName: "a" }, ["a-running", "a-failed", "a-done"]);
    await found(trial, { status: "failed" }, ["b-failed", "a-failed"]);
    await found(trial, { status: ["pending", "succeeded", "running"] }, ["b-pending", "a-running", "a-done"]);
    await found(trial, { jobName: "a", status: ["succeeded", "failed", "failed"] }, ["a-failed", "a-done"]);
    await found(trial, { jobName: "b", status: "running" }, []);
    await found(trial, { jobName: "A" }, []);
    await found(trial, { status: [] }, []);
  },

  "a page holds 50 runs unless told, and at most 1,000": async (trial) => {
    await trial.submitMany(51);
    assert.equal((await trial.store.listRuns({})).runs.length, 50);
    assert.equal((await trial.store.listRuns({ limit: 1_000 })).runs.length, 51);
  },

  "a limit, status or cursor that is none is refused by name": async (trial) => {
    await trial.submitMany(2);
    const status = "paused" as NonNullable<RunQuery["status"]>;
    const wrong: readonly RunQuery[] = [
      ...[0, -1, 1.5, NaN, 1_001].map((limit) => ({ limit })),
      ...["", "x", "nonsense", "MR", "MQ==", "-1", "1 or 1=1", "MQ\u0000"].map((cursor) => ({ cursor })),
      { status },
    ];
    for (const query of wrong) {
      const error = await refused("invalid_definition", () => trial.store.listRuns(query));
      assert.equal(error.field, Object.keys(query)[0]);
    }
  },
};

// In one page, and by pages of one.
async function found(trial: Trial, query: RunQuery, expected: readonly string[]): Promise<void> {
  assert.deepEqual(ids((await trial.store.listRuns(query)).runs), expected);
  const single: JobRun[] = [];
  for (let next: RunQuery | undefined = { ...query, limit: 1 }; next;) {
    const page: { runs: readonly JobRun[]; nextCursor?: string } = await trial.store.listRuns(next);
    single.push(...page.runs);
    next = page.nextCursor === undefined ? undefined : { ...query, limit: 1, cursor: page.nextCursor };
  }
  assert.deepEqual(ids(single), expected);
}
