import { describe, expect, it } from "vitest";
import { memory } from "../../../src/adapters/memory/memory-connection.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import { SAMPLE, sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";

const NEVER_ABORTED = new AbortController().signal;

describe("memory()", () => {
  it("gives its rows as copies, in the order of writing, also after it was closed", async () => {
    const out = memory();
    await write(out.destination!("b")!, { commitId: "1", steps: [sampleRows(1, 1)], createIfMissing: true });
    await write(out.destination!("a")!, {
      commitId: "2",
      steps: [sampleRows(3, 1), sampleRows(2, 1)],
      createIfMissing: true,
    });
    await out.close();
    await out.close();
    expect(out.tables()).toEqual(["a", "b"]);
    const rows = await out.rows("a");
    expect(rows).toEqual([
      { id: 3n, label: "row 3" },
      { id: 2n, label: "row 2" },
    ]);
    (rows[0] as Record<string, unknown>)["label"] = "changed";
    expect((await out.rows("a"))[0]).toEqual({ id: 3n, label: "row 3" });
  });

  it("says which table is not there", async () => {
    await expect(memory().rows("t")).rejects.toMatchObject({ code: "destination_missing", table: "t" });
  });

  it("keeps a column in the type it was made with", async () => {
    const out = memory();
    const destination = out.destination!("t")!;
    await write(destination, { commitId: "1", createIfMissing: true });
    const narrower: TableSchema = {
      columns: [{ name: "id", type: { kind: "integer", bits: 32, signed: true }, nullable: true }],
    };
    await expect(write(destination, { commitId: "2", schema: narrower, steps: [[{ id: 1 }]] })).rejects.toMatchObject({
      code: "schema_mismatch",
      columns: ["id"],
    });
  });

  it("can be read: the columns asked for, as they were when the scan began", async () => {
    const out = memory();
    const destination = out.destination!("t")!;
    await write(destination, { commitId: "1", steps: [sampleRows(1, 2), sampleRows(3, 2)], createIfMissing: true });
    const scan = out.source!("t")!.scan!({ columns: ["label", "id"], signal: NEVER_ABORTED });
    const seen: unknown[] = [];
    for await (const batch of scan) {
      await write(destination, { commitId: `during-${seen.length}`, mode: "overwrite" });
      seen.push(...batch.toArray().map((row) => row.toJSON()));
    }
    expect(seen).toEqual([1n, 2n, 3n, 4n].map((id) => ({ label: `row ${id}`, id })));
    expect(await out.rows("t")).toEqual([]);
    expect(await out.source!("none")!.schema(NEVER_ABORTED)).toBeNull();
    expect(await out.source!("t")!.schema(NEVER_ABORTED)).toEqual(SAMPLE);
  });

  it("can be read after upserts: in ranges of rows that no other has replaced", async () => {
    const out = memory();
    const destination = out.destination!("t")!;
    await write(destination, { commitId: "1", steps: [sampleRows(1, 7)], createIfMissing: true });
    const mode = { kind: "upsert", keys: ["id"] } as const;
    const rows = [1, 3, 4, 7].map((id) => ({ id, label: "new" }));
    await write(destination, { commitId: "2", mode, steps: [rows] });
    const batches = [];
    for await (const batch of out.source!("t")!.scan!({ columns: ["label", "id"], signal: NEVER_ABORTED })) {
      batches.push(batch.toArray().map((row: { toArray(): unknown[] }) => row.toArray()));
    }
    const kept = (...ids: readonly number[]) => ids.map((id) => [`row ${id}`, BigInt(id)]);
    expect(batches).toEqual([kept(2), kept(5, 6), [1, 3, 4, 7].map((id) => ["new", BigInt(id)])]);
  });

  it("lets the host have its turns while an upsert is compared with what is there", async () => {
    const out = memory();
    const destination = out.destination!("t")!;
    const steps = [sampleRows(1, 2), sampleRows(3, 2), sampleRows(5, 2)];
    await write(destination, { commitId: "1", steps, createIfMissing: true });
    let turns = 0;
    const count = (): void => {
      turns += 1;
      turn = setImmediate(count);
    };
    let turn: NodeJS.Immediate | undefined;
    const mode = { kind: "upsert", keys: ["id"] } as const;
    const begin = () => void (turn = setImmediate(count));
    let turnsTaken = 0;
    const state = () => {
      clearImmediate(turn);
      turnsTaken = turns;
      return { key: "job", from: null, to: 1 };
    };
    await write(destination, { commitId: "2", mode, steps: [sampleRows(3, 2), begin], state });
    expect(turnsTaken).toBeGreaterThanOrEqual(steps.length);
  });

  it("replaces also what another commit brought after an upsert was compared with what was there", async () => {
    const out = memory();
    const destination = out.destination!("t")!;
    await write(destination, { commitId: "1", steps: [sampleRows(1, 3), sampleRows(4, 3)], createIfMissing: true });
    const mode = { kind: "upsert", keys: ["id"] } as const;
    const labelled = (label: string, ...ids: readonly number[]) => ids.map((id) => ({ id, label }));
    const atPermit = async (): Promise<void> => {
      await write(destination, { commitId: "2", mode, steps: [labelled("between", 2, 3, 7)] });
    };
    await write(destination, { commitId: "3", mode, steps: [labelled("last", 3, 4, 8)], atPermit });
    expect((await out.rows("t")).map(({ id, label }) => [Number(id), label])).toEqual([
      [1, "row 1"],
      [5, "row 5"],
      [6, "row 6"],
      [2, "between"],
      [7, "between"],
      [3, "last"],
      [4, "last"],
      [8, "last"],
    ]);
  });

  it("says so when rows that lack a column are read with it", async () => {
    const out = memory();
    const destination = out.destination!("t")!;
    await write(destination, { commitId: "1", createIfMissing: true });
    await write(destination, { commitId: "2", schema: { columns: SAMPLE.columns.slice(0, 1) }, steps: [[{ id: 1 }]] });
    expect(await out.rows("t")).toEqual([{ id: 1n, label: null }]);
    const scan = out.source!("t")!.scan!({ columns: ["label"], signal: NEVER_ABORTED });
    await expect(scan[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "query_failed",
      columns: ["label"],
    });
  });

  it("stages a tiny result in well under a millisecond", async () => {
    const destination = memory().destination!("t")!;
    await write(destination, { commitId: "warm", steps: [sampleRows(1, 1)], createIfMissing: true });
    const times: number[] = [];
    for (let index = 0; index < 300; index++) {
      const before = performance.now();
      await write(destination, { commitId: `${index}`, steps: [[]] });
      times.push(performance.now() - before);
    }
    expect(times.sort((left, right) => left - right)[150]).toBeLessThan(1);
  });
});
