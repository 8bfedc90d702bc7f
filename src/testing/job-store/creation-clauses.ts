import assert from "node:assert/strict";
import { ids, refused, type Clauses } from "./trial.js";

export const creationClauses: Clauses = {
  "a new run is pending, dated, and logged by its first event": async (trial) => {
    const run = await trial.submit({ jobName: "delays" });
    const { status, attempt, recoveries, createdAt, lastEventSeq } = run;
    assert.deepEqual(
      { status, attempt, recoveries, createdAt, lastEventSeq },
      { status: "pending", attempt: 0, recoveries: 0, createdAt: trial.now(), lastEventSeq: 1 },
    );
    const { startedAt, finishedAt, rowsWritten, snapshotId, error, cancelRequest, commitId, lease } = run;
    for (const absent of [startedAt, finishedAt, rowsWritten, snapshotId, error, cancelRequest, commitId, lease]) {
      assert.equal(absent, null);
    }
    const first = { type: "run.pending", jobName: "delays", runId: run.id, seq: 1, at: trial.now(), attempt: 0 };
    assert.deepEqual(await trial.events(run.id), [first]);
  },

  "a run comes back as it was submitted": async (trial) => {
    const given = trial.newRun({
      priority: -7,
      idempotencyKey: "order 17",
      connections: ["crm", "lake"],
      concurrencyKey: "region/eu",
      redriveOf: "run-0000",
      runAt: trial.now(60_000),
      startDeadline: trial.now(90_000),
      parameters: { a: null, b: [1, "2", { c: false }], d: "0.1" },
    });
    const { run } = await trial.create(given);
    assert.deepEqual({ ...run, ...given }, run);
    assert.deepEqual(await trial.get(run.id), run);
    assert.deepEqual((await trial.store.listRuns({})).runs, [run]);
  },

  "parameters come back in key order": async (trial) => {
    const { id } = await trial.submit({ parameters: { zone: 1, Airport: 2, élan: 3, _x: 4 } });
    assert.deepEqual(Object.keys((await trial.get(id)).parameters), ["Airport", "_x", "zone", "élan"]);
  },

  "text survives: beyond the BMP, NUL, quotes, lone surrogates, a megabyte": async (trial) => {
    const odd = "'; drop table runs; -- \u0000 \u{1F6EB} \uD800 \u2028 \\ \"";
    const parameters = { odd, huge: "ä".repeat(1 << 20), ["__proto__"]: odd };
    const run = await trial.submit({ jobName: "naïve 🛫", parameters, idempotencyKey: odd });
    await trial.claimOne();
    await trial.store.requestCancel(run.id, odd);
    const held = await trial.get(run.id);
    const error = { code: "query_failed", message: odd, hint: odd, retryable: false } as const;
    await trial.store.transition(run.id, { from: "running", to: "failed", epoch: 1, error }, [
      { type: "run.failed", error },
    ]);
    const failed = await trial.get(run.id);
    assert.deepEqual(Object.entries(failed.parameters).sort(), Object.entries(parameters).sort());
    assert.equal(failed.jobName, "naïve 🛫");
    assert.equal(failed.idempotencyKey, odd);
    assert.equal(held.cancelRequest?.reason, odd);
    assert.deepEqual(failed.error, error);
    const [, , asked, last] = await trial.events(run.id);
    assert(asked?.type === "run.cancel_requested" && asked.reason === odd);
    assert(last?.type === "run.failed" && last.error.message === odd);
  },

  "a known idempotency key gives the first run and stores nothing": async (trial) => {
    const first = await trial.submit({ idempotencyKey: "k" });
    const again = await trial.create(trial.newRun({ idempotencyKey: "k", jobName: "another" }));
    assert.deepEqual(again, { run: first, created: false });
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), [first.id]);
    assert.equal((await trial.events(first.id)).length, 1);
  },

  "an idempotency key stays known when its run has ended": async (trial) => {
    const done = await trial.runAt("succeeded", { idempotencyKey: "k" });
    const again = await trial.create(trial.newRun({ idempotencyKey: "k" }));
    assert.deepEqual(again, { run: done, created: false });
  },

  "submissions with one idempotency key at once make one run": async (trial) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => trial.create(trial.newRun({ idempotencyKey: "k" }))),
    );
    assert.equal(answers.filter(({ created }) => created).length, 1);
    assert.equal(new Set(answers.map(({ run }) => run.id)).size, 1);
    assert.equal((await trial.store.listRuns({})).runs.length, 1);
  },

  "runs without an idempotency key do not share one": async (trial) => {
    await trial.submitMany(2, { idempotencyKey: null });
    assert.equal((await trial.store.listRuns({})).runs.length, 2);
  },

  "a taken id is refused, and its run stays as it is": async (trial) => {
    const { id } = await trial.submit();
    await trial.unchanged(id, async () => {
      await refused("internal_error", () => trial.create(trial.newRun({ id, jobName: "another" })));
    });
    assert.equal((await trial.store.listRuns({})).runs.length, 1);
  },

  "a refused act takes nothing of its neighbours with it": async (trial) => {
    const { id } = await trial.submit();
    const others = [trial.newRun(), trial.newRun()] as const;
    const answers = await Promise.allSettled(
      [others[0], trial.newRun({ id }), others[1]].map((run) => trial.create(run)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    for (const run of others) assert.equal((await trial.get(run.id)).status, "pending");
  },

  "an unknown run is undefined and has no events": async (trial) => {
    assert.equal(await trial.store.getRun("nobody"), undefined);
    assert.deepEqual(await trial.events("nobody"), []);
  },
};
