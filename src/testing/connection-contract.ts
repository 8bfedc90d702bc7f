import { strict as assert } from "node:assert";
import type { Connection } from "../ports/connection.js";
import { listingClauses } from "./connection/listing-clauses.js";
import { scanClauses } from "./connection/scan-clauses.js";
import { contract, type ContractClause, type Waiver } from "./contract.js";

/** What a factory gives for each clause. */
export interface ConnectionFixture {
  /** A connection that has not been used, to a system that answers. */
  readonly connection: Connection;
  /** A table that is there, and how many rows it has. Left out by a connection that cannot be read. */
  readonly full?: { readonly table: string; readonly columns: readonly string[]; readonly rowCount: number };
  /** Adds a row to that table. Left out where nobody can. */
  addRow?(): Promise<void>;
  /** Makes a table of this name, by other means than the connection's; false: there are no such names. Left out where nobody can. */
  makeTable?(name: string): Promise<boolean>;
  /** A name of a table that is not there, where the connection has tables. */
  readonly missingTable?: string;
  /** A connection of the same kind to a system that does not answer. */
  readonly unreachable?: Connection;
  dispose?(): Promise<void>;
}

export interface ConnectionContract {
  readonly make: () => Promise<ConnectionFixture>;
  /** Clauses that the connection does not keep, and why. */
  readonly without?: readonly Waiver[];
}

/** The promises of the `Connection` and `TableSource` ports as tests. */
export function connectionContract({ make, without }: ConnectionContract): readonly ContractClause[] {
  return contract({ ...CLAUSES, ...listingClauses, ...scanClauses }, make, without);
}

const NEVER_ABORTED = new AbortController().signal;

const CLAUSES: Readonly<Record<string, (fixture: ConnectionFixture) => Promise<void>>> = {
  "check() resolves when the system answers": async ({ connection }) => {
    await connection.check(NEVER_ABORTED);
  },

  "check() rejects when the system does not answer, and tells no secret": async ({ unreachable }) => {
    if (unreachable === undefined) return;
    const error: unknown = await unreachable.check(NEVER_ABORTED).then(
      () => assert.fail("the check passed"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Error);
    for (const secret of unreachable.secrets ?? []) {
      assert.ok(!`${error.message} ${error.stack ?? ""} ${JSON.stringify(error)}`.includes(secret));
    }
    await unreachable.close();
  },

  "close() may be called twice, also before any use": async ({ connection }) => {
    await connection.close();
    await connection.close();
  },

  "close() after use frees what was opened, and may be called twice": async ({ connection }) => {
    await connection.check(NEVER_ABORTED);
    await connection.close();
    await connection.close();
  },

  "its capabilities say what it offers, and what to do where it offers less": async (fixture) => {
    const { connection, full } = fixture;
    const { read, write, writeHint, tables } = connection.capabilities;
    const table = full?.table ?? fixture.missingTable ?? (tables === "single" ? "" : "a_table");
    assert.equal(connection.source?.(table) !== undefined, read);
    if (write === "transactional") assert.notEqual(connection.destination?.(table), undefined);
    else assert.ok(writeHint, "a connection that takes no rows says what to use instead");
  },

  "a connection of named tables is not itself a table": async ({ connection }) => {
    if (connection.capabilities.tables === "single") return;
    assert.equal(connection.source?.(""), undefined);
    assert.equal(connection.destination?.(""), undefined);
  },

  "the schema of a table that is not there is null": async ({ connection, missingTable }) => {
    if (missingTable === undefined) return;
    const source = connection.source?.(missingTable);
    assert.equal((await source?.schema(NEVER_ABORTED)) ?? null, null);
  },

  "the schema of a table names its columns, each once": async ({ connection, full }) => {
    if (full === undefined) return;
    const schema = await connection.source?.(full.table)?.schema(NEVER_ABORTED);
    const names = schema?.columns.map(({ name }) => name);
    assert.deepEqual(names, full.columns);
    assert.equal(new Set(names).size, names?.length);
  },

  "a table can be read, by the engine itself or by a scan": async ({ connection, full }) => {
    if (full === undefined) return;
    const source = connection.source?.(full.table);
    assert.ok(source !== undefined && ("scan" in source || "relation" in source));
    for (const path of source.relation?.paths ?? []) assert.ok(path.startsWith("/") || /^[A-Za-z]:/.test(path));
  },
};
