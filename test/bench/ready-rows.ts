import { join } from "node:path";
import { type LoadTable, withDuckDB } from "./load-tables.js";

/** How a loader wants its lines: commas and quotes, or tabs and backslashes. */
export type LineFormat = "csv" | "tab";

const FORMATS: Readonly<Record<LineFormat, string>> = {
  csv: "format csv, header false",
  tab: "format csv, header false, delimiter '\t', quote '', escape '', nullstr '\\N'",
};

/** Writes all rows into a file; gives its path. The texts of these tables hold neither tabs nor quotes. */
export async function readyFile(table: LoadTable, folder: string, format: LineFormat): Promise<string> {
  const path = join(folder, `ready.${format}`);
  await withDuckDB(":memory:", (run) => run(`copy (from '${table.path}') to '${path}' (${FORMATS[format]})`));
  return path;
}

export interface ReadyColumn {
  readonly name: string;
  /** As DuckDB calls it. */
  readonly type: string;
}

export async function columnsOf(table: LoadTable): Promise<readonly ReadyColumn[]> {
  return withDuckDB(":memory:", async (_run, connection) => {
    const none = await connection.runAndReadAll(`from '${table.path}' limit 0`);
    const types = none.columnTypes().map(String);
    return none.columnNames().map((name, index) => ({ name, type: types[index] ?? "" }));
  });
}

/** A value that every driver binds by itself. */
export type ReadyValue = string | number | null;

/** The first rows, as arrays of plain values: numbers as numbers, all else as text. */
export async function readyRows(table: LoadTable, count: number): Promise<readonly (readonly ReadyValue[])[]> {
  const columns = await columnsOf(table);
  const values = columns.map(({ name, type }) =>
    /^(BIGINT|INTEGER|DOUBLE)$/.test(type) ? `"${name}"::double as "${name}"` : `"${name}"::varchar as "${name}"`,
  );
  return withDuckDB(":memory:", async (_run, connection) => {
    const read = await connection.runAndReadAll(`select ${values.join(", ")} from '${table.path}' limit ${count}`);
    return read
      .getRows()
      .map((row) => row.map((value) => (typeof value === "number" ? value : value === null ? null : String(value))));
  });
}

/** How many rows go into one INSERT by hand. */
const ROWS_PER_INSERT = 1_000;

export function batches<T>(rows: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / ROWS_PER_INSERT) }, (_, batch) =>
    rows.slice(batch * ROWS_PER_INSERT, (batch + 1) * ROWS_PER_INSERT),
  );
}
