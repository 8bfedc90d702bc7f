import { strict as assert } from "node:assert";
import { type DestinationFixture, idsIn, numbersUpTo, sampleRows, tableWith, write } from "./destination-fixture.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const BEFORE = numbersUpTo(2);

/** What ends early leaves nothing, and says why by the very error that ended it. */
export const interruptionClauses: Clauses = {
  "an error in the middle of the rows leaves nothing and is passed on": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const failure = new Error("row 3,000,000 is not a number");
    const fail = () => {
      throw failure;
    };
    await assert.rejects(write(destination, { commitId: "a", steps: [sampleRows(3, 5), fail] }), failure);
    assert.deepEqual(await idsIn(fixture), BEFORE);
  },

  "an error in the middle of an overwrite leaves what was there": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const failure = new Error("the source is gone");
    const fail = () => {
      throw failure;
    };
    const steps = [sampleRows(3, 5), fail];
    await assert.rejects(write(destination, { commitId: "a", mode: "overwrite", steps }), failure);
    assert.deepEqual(await idsIn(fixture), BEFORE);
  },

  "an abort before the first row leaves nothing": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const reason = new Error("cancelled");
    const signal = AbortSignal.abort(reason);
    await assert.rejects(write(destination, { commitId: "a", steps: [sampleRows(3, 5)], signal }), reason);
    assert.deepEqual(await idsIn(fixture), BEFORE);
  },

  "an abort between batches leaves nothing": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const waitForAbort = () => {
      controller.abort(reason);
      return new Promise<void>(() => undefined);
    };
    const steps = [sampleRows(3, 5), waitForAbort, sampleRows(8, 5)];
    await assert.rejects(write(destination, { commitId: "a", steps, signal: controller.signal }), reason);
    assert.deepEqual(await idsIn(fixture), BEFORE);
  },

  "an abort at the permit leaves nothing": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const atPermit = () => controller.abort(reason);
    const trial = { commitId: "a", steps: [sampleRows(3, 5)], signal: controller.signal, atPermit };
    await assert.rejects(write(destination, trial), reason);
    assert.deepEqual(await idsIn(fixture), BEFORE);
  },

  "a refused permit leaves nothing and its reason is passed on": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const refusal = new Error("the lease is lost");
    const atPermit = () => Promise.reject(refusal);
    await assert.rejects(write(destination, { commitId: "a", steps: [sampleRows(3, 5)], atPermit }), refusal);
    assert.deepEqual(await idsIn(fixture), BEFORE);
  },

  "an abort after the permit comes too late": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const controller = new AbortController();
    // Fires when the permit has been granted, while the commit is under way.
    const atPermit = () => void setImmediate(() => controller.abort(new Error("too late")));
    const trial = { commitId: "a", steps: [sampleRows(3, 5)], signal: controller.signal, atPermit };
    assert.equal((await write(destination, trial)).receipt.rowsWritten, 5);
    assert.deepEqual(await idsIn(fixture), numbersUpTo(7));
  },

  "after a write that failed the next one lands": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const atPermit = () => Promise.reject(new Error("refused"));
    await assert.rejects(write(destination, { commitId: "a", steps: [sampleRows(3, 5)], atPermit }));
    await write(destination, { commitId: "b", steps: [sampleRows(3, 2)] });
    assert.deepEqual(await idsIn(fixture), numbersUpTo(4));
  },

  "after a write that was aborted the next one lands": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const controller = new AbortController();
    const steps = [sampleRows(3, 5), () => controller.abort(new Error("cancelled"))];
    await assert.rejects(write(destination, { commitId: "a", steps, signal: controller.signal }));
    await write(destination, { commitId: "b", steps: [sampleRows(3, 2)] });
    assert.deepEqual(await idsIn(fixture), numbersUpTo(4));
  },

  "no permit is asked for while rows are still to come": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    let lastRowGiven = false;
    const last = () => {
      lastRowGiven = true;
    };
    const atPermit = () => assert.ok(lastRowGiven, "the permit was asked for before the rows had ended");
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2), sampleRows(3, 2), last], atPermit });
  },

  "nothing is visible before the permit": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const look = async () => assert.deepEqual(await idsIn(fixture), BEFORE);
    const steps = [sampleRows(3, 5), look, sampleRows(8, 5), look];
    await write(destination, { commitId: "a", steps, atPermit: look });
    assert.deepEqual(await idsIn(fixture), numbersUpTo(12));
  },

  "readers of an append see the old content or the new, and nothing between": (fixture) => {
    return seenByReaders(fixture, "append", numbersUpTo(1_002));
  },

  "readers of an overwrite see the old content or the new, and nothing between": (fixture) => {
    return seenByReaders(fixture, "overwrite", numbersUpTo(1_002).slice(2));
  },

  "progress never falls and ends at the number of rows": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const progress: number[] = [];
    const steps = [sampleRows(1, 3), sampleRows(4, 4)];
    await write(destination, { commitId: "a", steps, onProgress: (rows) => progress.push(rows) });
    assert.deepEqual(
      progress,
      [...progress].sort((left, right) => left - right),
    );
    assert.equal(progress.at(-1), 7);
  },
};

async function seenByReaders(
  fixture: DestinationFixture,
  mode: "append" | "overwrite",
  after: readonly number[],
): Promise<void> {
  const destination = await tableWith(fixture, 2);
  let done = false;
  const steps = Array.from({ length: 10 }, (_, index) => sampleRows(3 + index * 100, 100));
  const writing = write(destination, { commitId: "a", mode, steps }).finally(() => (done = true));
  const seen = new Set<string>();
  while (!done) {
    seen.add(JSON.stringify(await idsIn(fixture)));
    // A read may be answered without leaving this turn of the event loop; the writer needs turns too.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  seen.add(JSON.stringify(await idsIn(fixture)));
  seen.delete(JSON.stringify(BEFORE));
  assert.deepEqual([...seen], [JSON.stringify(after)]);
}
