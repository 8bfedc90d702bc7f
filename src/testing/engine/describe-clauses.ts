import { strict as assert } from "node:assert";
import type { DataType } from "../../model/data-type.js";
import { fixture } from "../fixture-connection.js";
import {
  allRows,
  NEVER_ABORTED,
  opened,
  plain,
  type QueryEngineFixture,
  refusedAs,
  withParameters,
} from "./engine-fixture.js";

type Clauses = Readonly<Record<string, (fixture: QueryEngineFixture) => Promise<void>>>;

const TEXT: DataType = { kind: "text" };
const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };

const crm = fixture({ orders: [{ id: 1, customer: "Ada" }], people: [{ name: "Ada" }] });

/** What an engine tells of a query before it runs, and what it refuses to plan. */
export const describeClauses: Clauses = {
  "describe names the columns, their types and the tables, each once and in order": ({ engine }) =>
    opened(engine, { crm }, async () => {
      const query = plain(
        "select o.id, p.name from crm.people p join crm.orders o on p.name = o.customer, crm.orders again",
      );
      const { schema, tables } = await engine.describe(query, NEVER_ABORTED);
      assert.deepEqual(
        schema.columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
        [
          { name: "id", type: BIGINT, nullable: true },
          { name: "name", type: TEXT, nullable: true },
        ],
      );
      assert.deepEqual(tables, ["crm.orders", "crm.people"]);
    }),

  "describe gives the columns that stream then gives": ({ engine }) =>
    opened(engine, { crm }, async () => {
      const query = plain("select customer, id * 2 as twice, id / 3 as third from crm.orders");
      const described = await engine.describe(query, NEVER_ABORTED);
      const stream = await engine.stream(query, { signal: NEVER_ABORTED });
      await stream.close();
      assert.deepEqual(stream.schema, described.schema);
    }),

  "describe does not run the query": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const { schema } = await engine.describe(plain(sql.slow), NEVER_ABORTED);
      assert.ok(schema.columns.length > 0);
    }),

  "describe tells the types of parameters": ({ engine }) =>
    opened(engine, { crm }, async () => {
      const query = withParameters("select id from crm.orders where id > {least} and customer = {name}", {
        least: { type: { kind: "float", bits: 64 }, value: 0.5 },
        name: { type: null, value: "Ada" },
      });
      const { parameters } = await engine.describe(query, NEVER_ABORTED);
      assert.deepEqual(parameters.get("least"), { kind: "float", bits: 64 });
      assert.deepEqual(parameters.get("name"), TEXT);
    }),

  "explain gives the plan as text and does not run the query": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      assert.notEqual((await engine.explain(plain(sql.slow), NEVER_ABORTED)).plan.trim(), "");
    }),

  "names of connections are found whatever their case": ({ engine }) =>
    opened(engine, { Crm: crm }, async () => {
      assert.deepEqual(await allRows(engine, plain("select name from CRM.people")), [{ name: "Ada" }]);
    }),

  "a name of the query's own is not taken for a table": ({ engine }) =>
    opened(engine, { crm }, async () => {
      const query = plain("with orders as (select 7 as id) select id from orders");
      assert.deepEqual((await engine.describe(query, NEVER_ABORTED)).tables, []);
    }),

  "a column that is not there is a plan failure that names it": ({ engine }) =>
    opened(engine, { crm }, async () => {
      const query = plain("select no_such_column from crm.orders");
      const error = await refusedAs("sql_plan_failure", () => engine.describe(query, NEVER_ABORTED));
      assert.match(error.message, /no_such_column/);
    }),

  "a table or connection that is not there is a plan failure that names it": ({ engine }) =>
    opened(engine, { crm }, async () => {
      for (const table of ["nowhere", "crm.nothing", "other.orders"]) {
        const query = plain(`select * from ${table}`);
        const error = await refusedAs("sql_plan_failure", () => engine.describe(query, NEVER_ABORTED));
        assert.match(error.message, new RegExp(table.replace(".", "\\.")));
      }
    }),

  "what is not exactly one SELECT is refused and does nothing": ({ engine }) =>
    opened(engine, { crm }, async () => {
      const refused = [
        "",
        "select 1; select 2",
        "create table crm.made as select 1 as x",
        "insert into crm.orders values (2, 'Eve')",
        "update crm.orders set id = 3",
        "delete from crm.orders",
        "drop table crm.orders",
        "begin",
        "select 1 as a\0; drop table crm.orders",
      ];
      for (const text of refused) {
        await refusedAs("unsupported_query", () => engine.describe(plain(text), NEVER_ABORTED));
        await refusedAs("unsupported_query", () => engine.stream(plain(text), { signal: NEVER_ABORTED }));
      }
      assert.deepEqual(await allRows(engine, plain("select id from crm.orders")), [{ id: 1n }]);
    }),

  "columns of one name are refused, whatever their case": ({ engine }) =>
    opened(engine, {}, async () => {
      for (const text of ["select 1 as a, 2 as a", "select 1 as a, 2 as A"]) {
        const error = await refusedAs("unsupported_query", () => engine.describe(plain(text), NEVER_ABORTED));
        assert.ok("columns" in error);
      }
    }),

  "an aborted signal ends describe and explain with its reason": ({ engine }) =>
    opened(engine, {}, async () => {
      const reason = new Error("cancelled");
      const signal = AbortSignal.abort(reason);
      await assert.rejects(engine.describe(plain("select 1 as x"), signal), reason);
      await assert.rejects(engine.explain(plain("select 1 as x"), signal), reason);
    }),
};
