import { strict as assert } from "node:assert";
import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection, ConnectionSnapshot } from "../../ports/connection.js";
import type { ScanRequest } from "../../ports/table-source.js";
import { recordBatch, type SampleRow } from "../rows/record-batch.js";
import { allRows, NEVER_ABORTED, opened, plain, type QueryEngineFixture, refusedAs } from "./engine-fixture.js";
import { strict } from "./strict-connection.js";

type Clauses = Readonly<Record<string, (fixture: QueryEngineFixture) => Promise<void>>>;

const SCHEMA: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
    { name: "name", type: { kind: "text" }, nullable: true },
    { name: "note", type: { kind: "text" }, nullable: true },
  ],
};
const ROWS: readonly SampleRow[] = [
  { id: 1n, name: "a", note: "x" },
  { id: 2n, name: "b", note: null },
  { id: 3n, name: null, note: "x" },
  { id: null, name: "a", note: "y" },
];

/** What an engine asks of tables that it does not read by itself. */
export const scanClauses: Clauses = {
  "a scan is asked for the columns that the query needs, in the table's order, and for no others": ({ engine }) => {
    const crm = strict({ t: { schema: SCHEMA, rows: ROWS } });
    return opened(engine, { crm }, async () => {
      assert.deepEqual(await allRows(engine, plain("select note, id from crm.t where id = 1")), [
        { note: "x", id: 1n },
      ]);
      assert.deepEqual(crm.asked.at(-1)?.columns, ["id", "note"]);
      assert.deepEqual(await allRows(engine, plain("select count(*) as n from crm.t")), [{ n: 4n }]);
      assert.equal(crm.asked.at(-1)?.columns.length, 1);
    });
  },

  "what a source leaves out by the filters and limits that it is asked for changes no result": ({ engine }) => {
    const crm = strict({ t: { schema: SCHEMA, rows: ROWS }, u: { schema: SCHEMA, rows: ROWS } });
    return opened(engine, { crm }, async () => {
      for (const [sql, expected] of SAME_RESULTS) {
        const rows = await allRows(engine, plain(`select cast(count(*) as integer) as n from (${sql}) as q`));
        assert.deepEqual(rows, [{ n: expected }], sql);
      }
    });
  },

  "explain tells what is asked of each scanned table, in the words of its source": ({ engine }) => {
    const crm = strict({ t: { schema: SCHEMA, rows: ROWS }, u: { schema: SCHEMA, rows: ROWS } });
    return opened(engine, { crm }, async () => {
      const query = plain("select u.id from crm.u as u join crm.t as t on t.id = u.id where t.name = 'a'");
      const { scans } = await engine.explain(query, NEVER_ABORTED);
      assert.equal(crm.asked.length, 0);
      await allRows(engine, query);
      const read = crm.asked.map((scan) => {
        return { ...scan, table: `crm.${scan.table}`, asked: `reads ${scan.columns.join(", ")}` };
      });
      assert.deepEqual(scans, read);
    });
  },

  "the tables of a connection that has snapshots are read in one that was taken for them, one after the other, and it is closed":
    ({ engine }) => {
      const log: string[] = [];
      return opened(engine, { crm: withSnapshots(log) }, async () => {
        await allRows(engine, plain("select count(*) as n from crm.t, crm.u"));
        assert.deepEqual(log, ["snapshot of t, u", "t begins", "t ends", "u begins", "u ends", "closed"]);
      });
    },

  "a snapshot is closed when reading from it fails or is aborted": ({ engine }) => {
    const log: string[] = [];
    const abort = new AbortController();
    const reason = new Error("cancelled");
    const failing = withSnapshots(log, () => Promise.reject(new Error("the wire was cut")));
    const waiting = withSnapshots(log, ({ signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        abort.abort(reason);
      });
    });
    return opened(engine, { failing, waiting }, async () => {
      await assert.rejects(allRows(engine, plain("select id from failing.t")), /the wire was cut/);
      assert.deepEqual(log.splice(0), ["snapshot of t", "t begins", "closed"]);
      await assert.rejects(engine.stream(plain("select id from waiting.t"), { signal: abort.signal }), reason);
    }).then(() => assert.deepEqual(log, ["snapshot of t", "t begins", "closed"]));
  },

  "batches of other columns than the table promised are an error that names it, and worth another try": ({
    engine,
  }) => {
    const { columns } = SCHEMA;
    const others: readonly TableSchema[] = [
      { columns: [...columns].reverse() },
      { columns: columns.slice(1) },
      { columns: columns.map((column) => ({ ...column, type: { kind: "text" } })) },
    ];
    let schema: TableSchema = SCHEMA;
    const crm = withSnapshots([], undefined, () => recordBatch(schema, []));
    return opened(engine, { crm }, async () => {
      for (schema of others) {
        const error = await refusedAs("query_failed", () => allRows(engine, plain("select * from crm.t")));
        assert.match(error.message, /crm\.t/);
        assert.ok("retryable" in error && error.retryable === true);
      }
      schema = SCHEMA;
      assert.deepEqual(await allRows(engine, plain("select * from crm.t")), []);
    });
  },
};

/** Queries over `t` and `u`, which hold the same rows, and how many rows each gives. */
const SAME_RESULTS: readonly (readonly [sql: string, rows: number])[] = [
  ["select id from crm.t where id >= 2 and name is not null", 1],
  ["select id from crm.t where id in (1, 3) or id is null", 3],
  ["select id from crm.t where name = 'a' or note = 'x'", 3],
  ["select id from crm.t where not (name = 'a')", 1],
  ["select t.id from crm.t as t left join crm.u as u on t.id = u.id and u.name = 'nobody'", 4],
  ["select t.id from crm.t as t left join crm.u as u on t.id = u.id where u.name is null", 2],
  ["select a.id from crm.t as a join crm.t as b on a.name = b.name where a.id = 1 and b.note = 'y'", 1],
  ["select id from crm.t where id = 1 union all select id from crm.t where note = 'x'", 3],
  ["with c as (select * from crm.t) select a.id from c as a, c as b where a.id = 1 and b.id = 2", 1],
  ["select id from crm.t where exists (select 1 from crm.u as u where u.name = t.name and u.note = 'y')", 2],
  ["select id from crm.t where id < (select max(id) from crm.u where name = 'b')", 1],
  ["select id from crm.t limit 2", 2],
  ["select id from crm.t where note = 'x' limit 2", 2],
  ["select id from crm.t where note || name = 'xa' limit 2", 1],
  ["select id from (select id, note from crm.t limit 4) as q where note = 'x'", 2],
];

/** Two tables that are only read in snapshots; `log` tells what is done with these. */
function withSnapshots(
  log: string[],
  before: (request: ScanRequest) => Promise<void> = () => Promise.resolve(),
  batch?: () => RecordBatch,
): Connection {
  const source = {
    schema: () => Promise.resolve(SCHEMA),
    scan: () => assert.fail("a table was read beside the snapshot"),
  };
  const snapshot: ConnectionSnapshot = {
    async *scan(table, request) {
      log.push(`${table} begins`);
      await before(request);
      const columns = SCHEMA.columns.filter(({ name }) => request.columns.includes(name));
      yield batch?.() ?? recordBatch({ columns }, ROWS);
      log.push(`${table} ends`);
    },
    close: async () => void log.push("closed"),
  };
  return {
    capabilities: { kind: "test", read: true, write: "none", writeHint: "Write elsewhere.", tables: "named" },
    source: () => source,
    snapshot: async (tables) => {
      log.push(`snapshot of ${tables.join(", ")}`);
      return snapshot;
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
