import { strict as assert } from "node:assert";
import { isJobError } from "../../model/job-error.js";
import type { JsonValue } from "../../model/json.js";
import type { StateChange } from "../../ports/job-destination.js";
import {
  type DestinationFixture,
  emptyTable,
  idsIn,
  SAMPLE,
  sampleRows,
  TABLE,
  tableWith,
  write,
} from "./destination-fixture.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;

/** What a job remembers is stored by the commit that stores its rows, or not at all. */
export const stateClauses: Clauses = {
  "there is no state before a write stored one": async (fixture) => {
    assert.equal(await stateOf(fixture), null);
    assert.equal(await fixture.read(TABLE), null);
    await tableWith(fixture, 2);
    assert.equal(await stateOf(fixture), null);
  },

  "a state is stored with the rows, and comes back exactly": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const to = {
      max_id: "9223372036854775807",
      max_at: "2001-02-28T12:00:00.000001Z",
      text: 'O\'Brien "quoted" \\ \n\u0000 漢字 🦆 {} $1 ?',
      number: 0.1,
      nothing: null,
      parts: [1, [true], { a: "b" }],
    };
    await write(destination, { commitId: "a", steps: [sampleRows(3, 2)], state: change(null, to) });
    assert.deepEqual(await idsIn(fixture), [1, 2, 3, 4]);
    assert.deepEqual(await stateOf(fixture), to);
  },

  "a state follows a state": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2)], state: change(null, { at: 2, by: "a" }) });
    // The same value, its keys in another order.
    const state = change({ by: "a", at: 2 }, { at: 4, by: "b" });
    await write(destination, { commitId: "b", steps: [sampleRows(3, 2)], state });
    assert.deepEqual(await stateOf(fixture), { at: 4, by: "b" });
  },

  "a state is stored also where there are no rows": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [], state: change(null, 1) });
    assert.equal(await stateOf(fixture), 1);
    await write(destination, { commitId: "b", steps: [[]], state: change(1, 2) });
    assert.equal(await stateOf(fixture), 2);
  },

  "a state is stored together with a table that is made": async (fixture) => {
    const destination = fixture.destination(TABLE);
    const steps = [sampleRows(1, 2)];
    await write(destination, { commitId: "a", steps, createIfMissing: true, state: change(null, 2) });
    assert.deepEqual(await idsIn(fixture), [1, 2]);
    assert.equal(await stateOf(fixture), 2);
  },

  "a write asks for its state when all rows are taken and before the permit, once": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const order: string[] = [];
    const noted = (what: string) => () => void order.push(what);
    const state = (): StateChange => {
      order.push("state");
      return change(null, 1);
    };
    const steps = [sampleRows(1, 2), noted("rows")];
    await write(destination, { commitId: "a", steps, state, atPermit: noted("permit") });
    assert.deepEqual(order, ["rows", "state", "permit"]);
  },

  "a state is not seen before its commit": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 1)], state: change(null, 1) });
    const look = async () => assert.equal(await stateOf(fixture), 1);
    await write(destination, { commitId: "b", steps: [sampleRows(2, 1), look], state: change(1, 2), atPermit: look });
    assert.equal(await stateOf(fixture), 2);
  },

  "a write that fails leaves the state as it was": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2)], state: change(null, 1) });
    const atPermit = () => Promise.reject(new Error("refused"));
    await assert.rejects(
      write(destination, { commitId: "b", steps: [sampleRows(3, 2)], state: change(1, 2), atPermit }),
    );
    assert.equal(await stateOf(fixture), 1);
    await destination.settleCommit("b", NEVER_ABORTED);
    assert.equal(await stateOf(fixture), 1);
    await write(destination, { commitId: "c", steps: [sampleRows(3, 2)], state: change(1, 2) });
    assert.equal(await stateOf(fixture), 2);
    assert.deepEqual(await idsIn(fixture), [1, 2, 3, 4]);
  },

  "a write whose state came from another than what is stored is refused, and commits nothing": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await conflicts(fixture, change(1, 2), "unstored");
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2)], state: change(null, { at: 1 }) });
    await conflicts(fixture, change(null, { at: 2 }), "as-nothing");
    await conflicts(fixture, change({ at: 2 }, { at: 3 }), "as-another");
    await conflicts(fixture, change({ at: "1" }, { at: 3 }), "as-text");
    assert.deepEqual(await stateOf(fixture), { at: 1 });
    assert.deepEqual(await idsIn(fixture), [1, 2]);
  },

  "of writers at once with one state one lands, and the others leave nothing": async (fixture) => {
    await tableWith(fixture, 0);
    const firsts = [1, 11, 21, 31];
    const ends = await Promise.allSettled(
      firsts.map((first) => {
        const steps = [sampleRows(first, 2), sampleRows(first + 2, 2)];
        return write(fixture.destination(TABLE), { commitId: `from-${first}`, steps, state: change(null, first) });
      }),
    );
    for (const end of ends) {
      if (end.status === "rejected") assert.ok(isJobError(end.reason) && end.reason.retryable, String(end.reason));
    }
    const landed = firsts.filter((_, index) => ends[index]?.status === "fulfilled");
    assert.equal(landed.length, 1);
    const [first = 0] = landed;
    assert.deepEqual(await idsIn(fixture), [first, first + 1, first + 2, first + 3]);
    assert.equal(await stateOf(fixture), first);
  },

  "a write without a state leaves those that are there": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 2)], state: change(null, 1) });
    await write(destination, { commitId: "b", steps: [sampleRows(3, 2)] });
    await write(destination, { commitId: "c", mode: "overwrite", steps: [sampleRows(5, 2)] });
    assert.equal(await stateOf(fixture), 1);
  },

  "the states of two jobs do not meet, nor do those of one job in two tables": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [sampleRows(1, 1)], state: change(null, "of one") });
    const other = { key: "oth'er\"; drop table x --", from: null, to: "of the other" };
    await write(destination, { commitId: "b", steps: [sampleRows(2, 1)], state: other });
    await emptyTable(fixture, "elsewhere", SAMPLE);
    const elsewhere = change(null, "elsewhere");
    const steps = [sampleRows(1, 1)];
    await write(fixture.destination("elsewhere"), { commitId: "c", table: "elsewhere", steps, state: elsewhere });
    assert.equal(await stateOf(fixture), "of one");
    assert.equal(await stateOf(fixture, other.key), "of the other");
    assert.equal(await stateOf(fixture, "job", "elsewhere"), "elsewhere");
  },
};

function change(from: JsonValue | null, to: JsonValue): StateChange {
  return { key: "job", from, to };
}

function stateOf(fixture: DestinationFixture, key = "job", table = TABLE): Promise<JsonValue | null> {
  const destination = fixture.destination(table);
  assert.ok("readState" in destination, "a destination that keeps state can be asked for it");
  return destination.readState?.(key, NEVER_ABORTED) ?? Promise.resolve(null);
}

async function conflicts(fixture: DestinationFixture, state: StateChange, commitId: string): Promise<void> {
  const error = await write(fixture.destination(TABLE), { commitId, steps: [sampleRows(50, 2)], state }).then(
    () => assert.fail(`the write landed: ${commitId}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(isJobError(error, "state_conflict"), String(error));
  assert.ok(error.retryable);
  assert.equal((await fixture.destination(TABLE).settleCommit(commitId, NEVER_ABORTED)).state, "never");
}
