import type { Connection } from "../../ports/connection.js";
import { FileConnection } from "./file-connection.js";
import type { FilePatterns } from "./file-patterns.js";
import { filesRelation } from "./files-relation.js";
import { quoteList } from "./quote.js";

/** Options of {@link parquet}. */
export interface ParquetOptions {
  /** Whether folders named `key=value` are columns. Default: when all paths have the same keys. */
  readonly hivePartitioning?: boolean;
}

/**
 * Parquet files as one table, read only: `flights: parquet("data/*.parquet")` is read as `FROM flights`.
 *
 * The columns of all files together are the table's; a file without one of them gives nulls, and a column of several
 * types has the one that holds them all.
 *
 * @throws JobError `invalid_definition` for paths that are no local ones.
 */
export function parquet(files: FilePatterns, options: ParquetOptions = {}): Connection {
  const { hivePartitioning } = options;
  const hive = hivePartitioning === undefined ? "" : `, hive_partitioning = ${hivePartitioning}`;
  const read = (paths: readonly string[], more: string): string => `read_parquet(${quoteList(paths)}${hive}${more})`;
  // Without it the first file's columns are taken for all: others are dropped, and 2.5 becomes 2, silently.
  const united = ", union_by_name = true";
  const relation = filesRelation(files, {
    kind: "parquet",
    from: (paths) => read(paths, united),
    pin: async (paths, look) => {
      if (paths.length === 1) return read(paths, "");
      // Uniting opens every file at each binding; where all have one schema, the first speaks for them.
      const [schemas] = await look(`select count(distinct columns) as n from (
        select string_agg(concat_ws(' ', name, type, type_length, num_children, converted_type, scale, precision, logical_type), ';') as columns
        from parquet_schema(${quoteList(paths)}) group by file_name)`);
      return read(paths, Number(schemas?.["n"]) === 1 ? "" : united);
    },
  });
  return new FileConnection("parquet", relation);
}
