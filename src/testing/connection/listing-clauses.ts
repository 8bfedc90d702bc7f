import { strict as assert } from "node:assert";
import type { Connection, TableListing } from "../../ports/connection.js";
import type { ConnectionFixture } from "../connection-contract.js";
import { sampleRows, write } from "../destination/destination-fixture.js";

const NEVER_ABORTED = new AbortController().signal;

/** What a connection says of its tables. */
export const listingClauses: Readonly<Record<string, (fixture: ConnectionFixture) => Promise<void>>> = {
  "every table that is listed is found by its name and has a schema": (fixture) =>
    listed(fixture, async (list) => {
      const { connection, full } = fixture;
      const names = (await list()).map(({ name }) => name);
      assert.equal(new Set(names).size, names.length);
      if (full !== undefined) assert.ok(names.includes(full.table), `${full.table} is not among ${names.join(", ")}`);
      for (const name of names) await assertReadable(connection, name);
    }),

  "a table that was made since is listed, whatever its name": (fixture) =>
    listed(fixture, async (list) => {
      for (const name of ODD_NAMES) {
        if ((await fixture.makeTable?.(name)) !== true) continue;
        assert.deepEqual(
          (await list()).filter((table) => table.name === name),
          [{ name, kind: "table" }],
        );
        await assertReadable(fixture.connection, name);
      }
    }),

  "of what a commit leaves, the table is listed and nothing else": (fixture) =>
    listed(fixture, async (list) => {
      if (fixture.connection.capabilities.write !== "transactional") return;
      const before = await list();
      const destination = fixture.connection.destination?.("listed_later");
      assert.ok(destination !== undefined);
      await write(destination, { commitId: "listed", createIfMissing: true, steps: [sampleRows(1, 2)] });
      const known = new Set(before.map(({ name }) => name));
      const added = (await list()).filter(({ name }) => !known.has(name));
      assert.deepEqual(added, [{ name: "listed_later", kind: "table" }]);
    }),

  "a listing that was aborted throws the signal's reason": ({ connection }) =>
    listed({ connection }, async () => {
      const reason = new Error("cancelled");
      await assert.rejects(connection.listTables!(AbortSignal.abort(reason)), reason);
    }),
};

const ODD_NAMES = ["later", "Two Words", "UPPER", "quotes \" ' `", "select", "ünïcode", "100%_"];

/** Calls `act` with what lists the tables, if the connection can. */
async function listed(
  { connection }: Pick<ConnectionFixture, "connection">,
  act: (list: () => Promise<readonly TableListing[]>) => Promise<void>,
): Promise<void> {
  if (connection.listTables !== undefined) await act(() => connection.listTables!(NEVER_ABORTED));
}

async function assertReadable(connection: Connection, name: string): Promise<void> {
  const source = connection.source?.(name);
  const schema = await source?.schema(NEVER_ABORTED);
  assert.ok(source && schema, `${name} is listed, and cannot be read`);
  const columns = schema.columns.slice(0, 1).map((column) => column.name);
  if (columns.length === 0 || source.scan === undefined) return;
  for await (const batch of source.scan({ columns, signal: NEVER_ABORTED })) assert.equal(batch.numCols, 1);
}
