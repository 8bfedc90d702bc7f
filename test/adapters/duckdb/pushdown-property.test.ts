import { expect, it } from "vitest";
import type { RowFilter } from "../../../src/model/row-filter.js";
import { strict, type StrictConnection } from "../../../src/testing/engine/strict-connection.js";
import { fixture } from "../../../src/testing/fixture-connection.js";
import { type OpenEngine, query, withEngine } from "./engine-session.js";
import { RandomQueries, type RandomQuery, randomNumbers } from "./random-queries.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? 20_261_120);
const ROUNDS = 8;
const QUERIES = 40;

it(`a source that gives only what it is asked for changes no result (seed ${SEED})`, async () => {
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const queries = new RandomQueries(randomNumbers(SEED + round));
    const crm = strict(queries.tables);
    // What a fixture holds never changes, so that it is read whole.
    await withEngine({ crm: fixture(queries.tables) }, (whole) =>
      withEngine({ crm }, async (narrow) => {
        for (let count = 0; count < QUERIES; count += 1) await compare(queries.next(), whole, narrow, crm);
      }),
    );
    for (const scan of crm.asked) for (const kind of kindsOf(scan)) seen.add(kind);
  }
  // Otherwise the queries would show nothing.
  expect([...seen].sort()).toEqual([...KINDS, ...TYPES].sort());
}, 120_000);

const KINDS = ["and", "compare", "in", "is_not_null", "is_null", "limit", "nothing", "or", "some columns"];
const TYPES = ["boolean", "bytes", "date", "decimal", "enum", "float", "integer", "text", "time", "timestamp", "uuid"];

async function compare(
  { sql, parameters, unlimited }: RandomQuery,
  whole: OpenEngine,
  narrow: OpenEngine,
  { asked }: StrictConnection,
): Promise<void> {
  const before = asked.length;
  const expected = await shown(whole, sql, parameters);
  const found = await shown(narrow, sql, parameters);
  const place = (): string => `${sql}\n${JSON.stringify(parameters)}\n${JSON.stringify(asked.slice(before))}`;
  if (unlimited === undefined) {
    expect(found, place()).toEqual(expected);
    return;
  }
  // Any rows will do, but so many, and none twice.
  expect(found.length, place()).toBe(expected.length);
  const all = await shown(whole, unlimited, parameters);
  for (const row of found) {
    const at = all.indexOf(row);
    expect(at, place()).not.toBe(-1);
    all.splice(at, 1);
  }
}

/** The rows as texts in order, or what DuckDB says of a query that it cannot plan. */
async function shown(engine: OpenEngine, sql: string, parameters: RandomQuery["parameters"]): Promise<string[]> {
  try {
    const rows = await engine.rows(query(sql, parameters));
    return rows.map((row) => JSON.stringify(row, exactNumbers)).sort();
  } catch (error) {
    return [String(error)];
  }
}

function exactNumbers(_: string, value: unknown): unknown {
  return typeof value === "bigint" || typeof value === "number" ? String(value) : value;
}

function* kindsOf({ columns, filters, limit }: StrictConnection["asked"][number]): Generator<string> {
  if (columns.length < 20) yield "some columns";
  if (limit !== undefined) yield "limit";
  if (filters === undefined) yield "nothing";
  for (const filter of filters ?? []) yield* kindsOfFilter(filter);
}

function* kindsOfFilter(filter: RowFilter): Generator<string> {
  yield filter.kind;
  if (filter.kind === "compare") yield filter.value.type.kind;
  if (filter.kind === "in") for (const { type } of filter.values) yield type.kind;
  if (filter.kind === "and" || filter.kind === "or") for (const part of filter.parts) yield* kindsOfFilter(part);
}
