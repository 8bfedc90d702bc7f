import assert from "node:assert/strict";
import type { CreatedRun, NewRun } from "../../model/run.js";
import { ids, refused, type Clauses, type Trial } from "./trial.js";

/** What a ledger promises that takes runs within a transaction of the host's. */
export const hostTransactionClauses: Clauses = {
  "runs that are stored in a transaction of the host's are there when it commits": async (trial) => {
    const old = await trial.submit({ idempotencyKey: "old" });
    const batch = [
      trial.newRun({ idempotencyKey: "new", parameters: { b: 1, a: null } }),
      trial.newRun({ idempotencyKey: "old" }),
      trial.newRun({ idempotencyKey: "new" }),
      trial.newRun({ runAt: trial.now(100) }),
    ];
    const host = await trial.begun();
    const answers = await createIn(trial, host.transaction, batch);
    assert.deepEqual(
      answers.map(({ run, created }) => [run.id, created]),
      [batch[0], old, batch[0], batch[3]].map((run, index) => [run?.id, index === 0 || index === 3]),
    );
    await host.commit();
    for (const { run, created } of answers) {
      assert.deepEqual(await trial.get(run.id), run);
      if (created) assert.deepEqual(run.createdAt, trial.now());
      assert.deepEqual(
        (await trial.events(run.id)).map(({ type, seq }) => [type, seq]),
        [["run.pending", 1]],
      );
    }
    assert.deepEqual(ids(await trial.claim()), [old.id, batch[0]?.id]);
    await trial.clock.advance(100);
    assert.deepEqual(ids(await trial.claim()), [batch[3]?.id]);
  },

  "runs that are stored in a transaction of the host's never were when it is rolled back": async (trial) => {
    const given = trial.newRun({ idempotencyKey: "k" });
    const host = await trial.begun();
    await createIn(trial, host.transaction, [given]);
    await host.rollback();
    assert.equal(await trial.store.getRun(given.id), undefined);
    assert.deepEqual(await trial.events(given.id), []);
    assert.deepEqual(await trial.store.listRuns({}), { runs: [] });
    assert.deepEqual(await trial.claim(), []);
    assert((await trial.create(given)).created);
  },

  "runs that are given again while a transaction stores them are answered once that has ended": async (trial) => {
    const given = [trial.newRun({ idempotencyKey: "k" }), trial.newRun()] as const;
    const host = await trial.begun();
    await createIn(trial, host.transaction, given);
    const commit = async (): Promise<void> => {
      await host.commit();
      await trial.clock.advance(1_000);
    };
    const [keyed] = await Promise.all([
      trial.create(given[0]),
      refused("internal_error", () => trial.create(given[1])),
      commit(),
    ]);
    assert.deepEqual([keyed.run.id, keyed.created], [given[0].id, false]);
  },

  "a batch that is refused leaves nothing, whatever becomes of the host's transaction": async (trial) => {
    const { id } = await trial.submit();
    const host = await trial.begun();
    await refused("internal_error", () => createIn(trial, host.transaction, [trial.newRun(), trial.newRun({ id })]));
    await host.commit();
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), [id]);
  },

  "after a batch that is refused the host's transaction can go on": async (trial) => {
    const { id } = await trial.submit();
    const kept = trial.newRun();
    const host = await trial.begun();
    await refused("internal_error", () => createIn(trial, host.transaction, [trial.newRun({ id })]));
    await createIn(trial, host.transaction, [kept]);
    await host.commit();
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), [kept.id, id]);
  },

  "what is no connection of the host's is refused": async (trial) => {
    for (const wrong of [undefined, null, "begin", {}, trial.store]) {
      await refused("invalid_definition", () => createIn(trial, wrong, [trial.newRun()]));
    }
    assert.deepEqual(await trial.store.listRuns({}), { runs: [] });
  },
};

// A store that answers at once also throws at once.
async function createIn(trial: Trial, transaction: unknown, runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
  const answers = trial.store.createRunsIn?.(transaction, runs);
  assert(answers, "A store without createRunsIn goes without the clauses about it.");
  return answers;
}
