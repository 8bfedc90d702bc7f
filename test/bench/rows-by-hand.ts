import { secondsOf, type LoadTable, withDuckDB } from "./load-tables.js";
import { columnsOf } from "./ready-rows.js";

/** A value that every driver binds by itself. */
export type PlainValue = string | number | null;
export type PlainRow = readonly PlainValue[];

/** How many rows go into one INSERT by hand. */
const ROWS_PER_INSERT = 1_000;

/**
 * The same task as one writes it without Millrace: the first rows come from the query by DuckDB's own driver, a thousand plain
 * values at a time, and `insert` takes each thousand. As for a run of ours, DuckDB is open before the clock starts.
 *
 * @returns seconds.
 */
export function secondsByHand(
  table: LoadTable,
  count: number,
  insert: (thousands: AsyncIterable<readonly PlainRow[]>) => Promise<void>,
): Promise<number> {
  return withDuckDB(":memory:", async (_run, connection) => {
    const query = `select ${await plainColumns(table)} from '${table.path}' limit ${count}`;
    return secondsOf(async () => {
      const result = await connection.stream(query);
      await insert(inThousands(result.yieldRows() as AsyncIterable<readonly PlainRow[]>));
    });
  });
}

/** Numbers as numbers, all else as text. */
async function plainColumns(table: LoadTable): Promise<string> {
  const columns = await columnsOf(table);
  return columns
    .map(({ name, type }) => `"${name}"::${/^(BIGINT|INTEGER|DOUBLE)$/.test(type) ? "double" : "varchar"} as "${name}"`)
    .join(", ");
}

async function* inThousands(chunks: AsyncIterable<readonly PlainRow[]>): AsyncGenerator<readonly PlainRow[]> {
  let waiting: PlainRow[] = [];
  for await (const rows of chunks) {
    for (const row of rows) {
      if (waiting.push(row) < ROWS_PER_INSERT) continue;
      yield waiting;
      waiting = [];
    }
  }
  if (waiting.length > 0) yield waiting;
}
