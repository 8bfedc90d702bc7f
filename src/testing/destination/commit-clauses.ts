import { strict as assert } from "node:assert";
import { type DestinationFixture, idsIn, numbersUpTo, sampleRows, tableWith, write } from "./destination-fixture.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;

/** What lands, lands whole and once, and what became of a commit can be asked. */
export const commitClauses: Clauses = {
  "an appended result is added whole, and its receipt is the permit's": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const { receipt, issued, permits } = await write(destination, {
      commitId: "a",
      steps: [sampleRows(3, 2), sampleRows(5, 3)],
    });
    assert.deepEqual(await idsIn(fixture), numbersUpTo(7));
    assert.equal(receipt, issued);
    assert.deepEqual(permits, [5], "one permit is asked for, for the rows of this write");
  },

  "the same rows appended by two commits are there twice": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2)] });
    await write(destination, { commitId: "b", steps: [sampleRows(1, 2)] });
    assert.deepEqual(await idsIn(fixture), [1, 1, 2, 2]);
  },

  "an overwrite replaces the whole content": async (fixture) => {
    const destination = await tableWith(fixture, 5);
    await write(destination, { commitId: "a", mode: "overwrite", steps: [sampleRows(8, 2)] });
    assert.deepEqual(await idsIn(fixture), [8, 9]);
  },

  "an empty result is a success and adds nothing": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const { receipt } = await write(destination, { commitId: "a", steps: [] });
    assert.equal(receipt.rowsWritten, 0);
    assert.deepEqual(await idsIn(fixture), [1, 2]);
  },

  "an empty result overwrites": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    await write(destination, { commitId: "a", mode: "overwrite", steps: [[]] });
    assert.deepEqual(await idsIn(fixture), []);
  },

  "a commit id that has landed cannot land again": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2)] });
    await assert.rejects(write(fixture.destination("results"), { commitId: "a", steps: [sampleRows(3, 2)] }));
    assert.deepEqual(await idsIn(fixture), [1, 2]);
  },

  "a commit that landed is settled as committed, with its receipt": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const { receipt } = await write(destination, { commitId: "a", steps: [sampleRows(1, 3)] });
    const settled = await fixture.destination("results").settleCommit("a", NEVER_ABORTED);
    assert.deepEqual(settled, { state: "committed", receipt });
  },

  "the proof of a commit outlives a later overwrite": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 3)] });
    await write(destination, { commitId: "b", mode: "overwrite", steps: [sampleRows(4, 1)] });
    assert.equal((await destination.settleCommit("a", NEVER_ABORTED)).state, "committed");
    assert.equal((await destination.settleCommit("b", NEVER_ABORTED)).state, "committed");
  },

  "a commit that failed is settled as never": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const refuse = () => Promise.reject(new Error("refused"));
    await assert.rejects(write(destination, { commitId: "a", steps: [sampleRows(1, 3)], atPermit: refuse }));
    assert.deepEqual(await destination.settleCommit("a", NEVER_ABORTED), { state: "never" });
  },

  "a commit settled as never cannot land any more, and stays settled": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    assert.deepEqual(await destination.settleCommit("late", NEVER_ABORTED), { state: "never" });
    await assert.rejects(write(fixture.destination("results"), { commitId: "late", steps: [sampleRows(1, 2)] }));
    assert.deepEqual(await idsIn(fixture), []);
    assert.deepEqual(await destination.settleCommit("late", NEVER_ABORTED), { state: "never" });
  },

  "a commit in flight is in doubt, or is settled as never and then fails": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    let settled = "";
    const settle = async () => {
      settled = (await fixture.destination("results").settleCommit("a", NEVER_ABORTED)).state;
    };
    const landed = await write(destination, { commitId: "a", steps: [sampleRows(1, 2)], atPermit: settle }).then(
      () => true,
      () => false,
    );
    assert.equal(settled, landed ? "in_doubt" : "never");
    assert.deepEqual(await idsIn(fixture), landed ? [1, 2] : []);
    const state = landed ? "committed" : "never";
    assert.equal((await destination.settleCommit("a", NEVER_ABORTED)).state, state);
  },

  "two writers at once each land whole or fail and leave nothing": async (fixture) => {
    await tableWith(fixture, 0);
    const commits = [1, 11, 21, 31].map((first) => {
      const steps = [sampleRows(first, 5), sampleRows(first + 5, 5)];
      return write(fixture.destination("results"), { commitId: `from-${first}`, steps }).then(
        () => sampleRows(first, 10).map(({ id }) => Number(id)),
        () => [],
      );
    });
    const landed = (await Promise.all(commits)).flat();
    assert.deepEqual(await idsIn(fixture), landed);
  },
};
