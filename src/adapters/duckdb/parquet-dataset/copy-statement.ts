import { formatDataType, sameDataType } from "../../../model/data-type.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { quoteIdentifier, quoteText } from "../quote.js";
import type { StoredColumn } from "./manifest.js";

/** What goes into the files of one write. */
export interface FilesToWrite {
  /** The table's, in their order: every file of a table has them all. */
  readonly columns: readonly StoredColumn[];
  readonly partitionBy: readonly string[];
  /** A folder that is empty or not there. */
  readonly folder: string;
}

/** A result larger than this is split, as near to it as row groups allow. DuckDB cannot split partitions. */
const FILE_SIZE = "1GB";

/** What stands before and behind the query in the one statement that writes all its rows. */
export function copyStatement(
  { columns, partitionBy, folder }: FilesToWrite,
  produced: TableSchema,
): { readonly before: string; readonly after: string } {
  const list = columns.map((column) => selected(column, produced)).join(", ");
  return { before: `copy (select ${list} from `, after: `) to ${quoteText(folder)} (${options(partitionBy)})` };
}

/** The statement that writes one file without rows, which tells readers the columns. */
export function emptyCopyStatement({ columns, folder }: FilesToWrite): string {
  const list = columns.map((column) => selected(column, { columns: [] })).join(", ");
  return `copy (select ${list} where false) to ${quoteText(`${folder}/empty.parquet`)} (format parquet, return_stats)`;
}

function options(partitionBy: readonly string[]): string {
  if (partitionBy.length === 0) return `format parquet, return_stats, file_size_bytes '${FILE_SIZE}'`;
  // The values are also kept in the files: a path tells their text, not their type. Numbered names could meet where two
  // values have one spelling as a path, such as null and the text that Hive writes for it.
  const named = "write_partition_columns, filename_pattern '{uuid}'";
  return `format parquet, return_stats, partition_by (${partitionBy.map(quoteIdentifier).join(", ")}), ${named}`;
}

function selected({ name, type }: StoredColumn, { columns }: TableSchema): string {
  const quoted = quoteIdentifier(name);
  const from = columns.find((column) => column.name === name);
  if (from !== undefined && sameDataType(from.type, type)) return quoted;
  return `cast(${from === undefined ? "null" : quoted} as ${formatDataType(type)}) as ${quoted}`;
}
