import assert from "node:assert/strict";
import { ids, refused, type Clauses } from "./trial.js";

export const batchClauses: Clauses = {
  "runs that are submitted together are stored, answered, listed and claimed in their order": async (trial) => {
    const given = Array.from({ length: 500 }, () => trial.newRun());
    const answers = await trial.store.createRuns(given);
    assert(answers.every(({ created, run }) => created && run.lastEventSeq === 1));
    assert.deepEqual(
      answers.map(({ run }) => run.id),
      given.map(({ id }) => id),
    );
    const { runs } = await trial.store.listRuns({ limit: 1_000 });
    assert.deepEqual(ids(runs).toReversed(), ids(given));
    assert.deepEqual(ids(await trial.claim({ limit: 500 })), ids(given));
    assert.deepEqual(await trial.store.createRuns([]), []);
  },

  "when one of them has an id that is taken, none is stored": async (trial) => {
    const { id } = await trial.submit({ idempotencyKey: "k" });
    const [first, last] = [trial.newRun({ idempotencyKey: "new" }), trial.newRun()];
    for (const taken of [id, first.id]) {
      const batch = [first, trial.newRun({ id: taken }), last];
      await refused("internal_error", () => trial.store.createRuns(batch));
      assert.deepEqual(ids((await trial.store.listRuns({})).runs), [id]);
      assert.deepEqual(await trial.events(first.id), []);
    }
    // Nothing of it is left in the way.
    const answers = await trial.store.createRuns([first, last]);
    assert(answers.every(({ created }) => created));
  },

  "of those with one idempotency key the first is stored, and an older run before all": async (trial) => {
    const old = await trial.runAt("succeeded", { idempotencyKey: "old" });
    const batch = [
      trial.newRun({ idempotencyKey: "new" }),
      trial.newRun({ idempotencyKey: "old" }),
      trial.newRun({ idempotencyKey: "new", jobName: "another" }),
      trial.newRun(),
    ];
    const answers = await trial.store.createRuns(batch);
    assert.deepEqual(
      answers.map(({ run, created }) => [run.id, created]),
      [
        [batch[0]?.id, true],
        [old.id, false],
        [batch[0]?.id, false],
        [batch[3]?.id, true],
      ],
    );
    assert.deepEqual(answers[2]?.run, answers[0]?.run);
    assert.deepEqual(answers[1]?.run, old);
    assert.equal((await trial.store.listRuns({})).runs.length, 3);
  },

  "a known idempotency key is answered also under an id that is taken": async (trial) => {
    const { id } = await trial.submit({ idempotencyKey: "k" });
    assert.equal((await trial.create(trial.newRun({ id, idempotencyKey: "k" }))).created, false);
  },
};
