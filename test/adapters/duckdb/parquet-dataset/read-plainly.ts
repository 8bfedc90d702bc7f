import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteIdentifier } from "../../../../src/adapters/duckdb/quote.js";
import { folderNameOf } from "../../../../src/adapters/duckdb/parquet-dataset/table-folder.js";

const GUIDE = readFileSync(new URL("../../../../docs/guides/parquet-datasets.md", import.meta.url), "utf8");

/** The two statements of the guide, for a table's folder. */
function plainStatements(folder: string): readonly [string, string] {
  const block = /```sql\n([^]*?)```/.exec(GUIDE)?.[1] ?? "";
  const quoted = folder.replaceAll("'", "''");
  const [choose = "", read = ""] = block.replaceAll("/data/lake/delays", () => quoted).split(";");
  return [choose, read];
}

/** A table's rows, as a plain DuckDB reads them; null when it is not published. Numbers beyond 32 bits come as texts. */
export async function readPlainly(
  reader: DuckDBConnection,
  lake: string,
  table: string,
): Promise<readonly Readonly<Record<string, unknown>>[] | null> {
  const folder = join(lake, folderNameOf(table) ?? "");
  if (!existsSync(join(folder, "_current.json"))) return null;
  const [choose, read] = plainStatements(folder);
  await reader.run("set TimeZone = 'UTC'");
  await reader.run(choose);
  const described = await (await reader.run(`describe ${read}`)).getRowObjects();
  const texts = described.flatMap((row) => (row["column_type"] === "VARCHAR" ? [String(row["column_name"])] : []));
  // As bytes: the driver drops a byte-order mark in front of a text.
  const encoded = texts.map((name) => quoteIdentifier(name)).map((name) => `encode(${name}) as ${name}`);
  const selected = encoded.length === 0 ? "*" : `* replace (${encoded.join(", ")})`;
  const rows = await (await reader.run(`select ${selected} ${read}`)).getRowObjects();
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value, texts.includes(name))])),
  );
}

function plain(value: unknown, isText: boolean): unknown {
  if (value === null || typeof value === "number" || typeof value === "string") return value;
  if (typeof value === "object" && "bytes" in value && value.bytes instanceof Uint8Array) {
    return isText ? Buffer.from(value.bytes).toString("utf8") : value.bytes;
  }
  return (value as { toString(): string }).toString();
}
