import type { Connection } from "../../ports/connection.js";
import { checkColumns, type DeclaredColumns, describedColumns } from "./declared-columns.js";
import { exactColumn, FILE_COLUMN, placeOf } from "./exact-column.js";
import { FileConnection } from "./file-connection.js";
import type { FilePatterns } from "./file-patterns.js";
import { filesRelation } from "./files-relation.js";
import { quoteList, quoteRecord, quoteText } from "./quote.js";

/** Options of {@link json}. */
export interface JsonOptions {
  /** `array`: one array of objects. `lines`: one object on each line (NDJSON). Default: found out for each file. */
  readonly format?: "array" | "lines";
  /**
   * The columns, and their types as DuckDB spells them. Keys that are not named are then not read. Default: all keys of
   * all objects, with the types of their values; for this every file is read once more whenever it has changed.
   */
  readonly columns?: DeclaredColumns;
}

/**
 * JSON files as one table, read only: each object is a row. `movies: json("movies.json")` is read as `FROM movies`.
 *
 * A text in the form of a date, a timestamp or a UUID is one. An integer beyond 64 bits is a HUGEINT up to 128 bits, and
 * a DOUBLE beyond.
 *
 * @throws JobError `invalid_definition` for paths that are no local ones, or columns that are not well formed.
 */
export function json(files: FilePatterns, options: JsonOptions = {}): Connection {
  const { format, columns } = options;
  if (columns !== undefined) checkColumns("json", columns);
  const dialect = [
    `format = ${quoteText(format === undefined ? "auto" : format === "array" ? "array" : "newline_delimited")}`,
    "ignore_errors = false",
    "union_by_name = true",
  ].join(", ");
  // A sample would drop every key that first comes after it, silently.
  const inferred = `${dialect}, sample_size = -1`;
  const read = (paths: readonly string[], more: string): string => `read_json(${quoteList(paths)}, ${more})`;
  const declared = columns && `${dialect}, columns = ${quoteRecord(Object.entries(columns))}`;
  const relation = filesRelation(files, {
    kind: "json",
    from: (paths) => read(paths, declared ?? inferred),
    pin: async (paths, look) => {
      const found = await describedColumns(look, read(paths, declared ?? inferred));
      if (declared === undefined) return read(paths, `${dialect}, columns = ${quoteRecord(found)}`);
      const exact = found.map(([name, type]) => ({ name, ...exactColumn(name, type, false) }));
      const readAs = quoteRecord(exact.map((column) => [column.name, column.readAs]));
      const shown = exact.map(({ expression }) => expression).join(", ");
      return `(select ${shown} from ${read(paths, `${dialect}, columns = ${readAs}, filename = ${quoteText(FILE_COLUMN)}`)})`;
    },
    locate: async ({ file, column, value }, look) => {
      const texts = read([file], `${dialect}, columns = ${quoteRecord([[column, "VARCHAR"]])}`);
      return placeOf(look, texts, column, value, file);
    },
  });
  return new FileConnection("json", relation);
}
