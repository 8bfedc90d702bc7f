import { isUtf8 } from "node:buffer";
import type { Database } from "better-sqlite3";
import { unreadableValue } from "./read-failures.js";
import { scanStatement } from "./scan-statement.js";
import type { ScanPlan } from "./table-reading.js";

/**
 * Refuses a column of which some text is no UTF-8: SQLite keeps any bytes as text, and the driver puts U+FFFD in the place
 * of those that are none. It looks at every row once more, so it is only asked where that character came.
 */
export function refuseBrokenText(database: Database, { table, columns, wanted }: ScanPlan, index: number): void {
  database.function("millrace_is_utf8", { directOnly: true }, (bytes: Uint8Array) => (isUtf8(bytes) ? 1 : 0));
  const { sql, values } = scanStatement(table, wanted);
  const broken = database
    .prepare<unknown[], { readonly r: bigint | null }>(
      `select r from (${sql}) where typeof(c${index}) = 'text' and not millrace_is_utf8(cast(c${index} as blob)) limit 1`,
    )
    .safeIntegers()
    .get(...values);
  if (broken === undefined) return;
  const row = broken.r === null ? "a row" : `the row of rowid ${broken.r}`;
  throw unreadableValue(table, columns[index]!, row, "a TEXT that is not UTF-8");
}
