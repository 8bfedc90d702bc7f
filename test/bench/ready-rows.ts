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
