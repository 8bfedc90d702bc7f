import type { Connection } from "../../ports/connection.js";
import { type DialectOptions, csvDialect } from "./csv-dialect.js";
import { checkColumns, type Columns, type DeclaredColumns, describedColumns } from "./declared-columns.js";
import type { Look } from "./duckdb-relation.js";
import { exactColumn, FILE_COLUMN, placeOf } from "./exact-column.js";
import { FileConnection } from "./file-connection.js";
import type { FilePatterns } from "./file-patterns.js";
import { filesRelation } from "./files-relation.js";
import { quoteList, quoteRecord, quoteText } from "./quote.js";

/** Options of {@link csv}. Nothing but the columns' types is found out from the files. */
export interface CsvOptions extends DialectOptions {
  /** Types, as DuckDB spells them, of columns for which the ones found out would not do. */
  readonly columns?: DeclaredColumns;
}

/**
 * CSV files in UTF-8 as one table, read only: `airports: csv("airports.csv")` is read as `FROM airports`. Files that end
 * in `.gz` are unpacked. Columns of several files are matched by their names; a file without one of them gives nulls.
 *
 * Types are found out from the first 20,480 rows. A later value that does not fit, also a 1.5 among integers, fails the
 * run, and so does a line with too few or too many values.
 *
 * @throws JobError `invalid_definition`, with `field`, for options that are not well formed.
 */
export function csv(files: FilePatterns, options: CsvOptions = {}): Connection {
  const dialect = csvDialect(options);
  if (options.columns !== undefined) checkColumns("csv", options.columns);
  const types = options.columns === undefined ? "" : `, types = ${quoteRecord(Object.entries(options.columns))}`;
  const read = (paths: readonly string[], more: string): string => `read_csv(${quoteList(paths)}, ${dialect}${more})`;
  const united = ", union_by_name = true";
  const relation = filesRelation(files, {
    kind: "csv",
    from: (paths) => read(paths, types + united),
    pin: async (paths, look) => {
      const found = await describedColumns(look, read(paths, paths.length > 1 ? types + united : types));
      const columns = await plainFormats(look, options, found, `${quoteText(paths[0] ?? "")}, ${dialect}${types}`);
      const exact = columns.map(([name, type]) => ({ name, ...exactColumn(name, type, hasFormat(options, type)) }));
      const readAs = quoteRecord(exact.map((column) => [column.name, column.readAs]));
      // Given all columns, DuckDB takes them by their position, whatever a file's header says.
      const byPosition = await haveOneHeader(look, paths, dialect);
      const how = byPosition ? `, auto_detect = false, columns = ${readAs}` : `, types = ${readAs}${united}`;
      const shown = exact.map(({ expression }) => expression).join(", ");
      return `(select ${shown} from ${read(paths, `${how}, filename = ${quoteText(FILE_COLUMN)}`)})`;
    },
    locate: async ({ file, column, value }, look) => {
      return placeOf(look, read([file], ", all_varchar = true"), column, value, file);
    },
  });
  return new FileConnection("csv", relation);
}

/** Dates and timestamps in any other form than ISO's are text: 01/02 may be read either way, and DuckDB would choose. */
async function plainFormats(look: Look, options: CsvOptions, columns: Columns, sniffed: string): Promise<Columns> {
  const [formats] = await look(`select DateFormat as d, TimestampFormat as t from sniff_csv(${sniffed})`);
  const isPlain = (format: unknown): boolean => typeof format !== "string" || format.startsWith("%Y-%m-%d");
  return columns.map(([name, type]) => {
    const isGuessed =
      !hasFormat(options, type) &&
      ((type === "DATE" && !isPlain(formats?.["d"])) || (type.startsWith("TIMESTAMP") && !isPlain(formats?.["t"])));
    return [name, isGuessed ? "VARCHAR" : type];
  });
}

/** Whether the columns of a type are read by a form that was given: such a form is exact. */
function hasFormat({ dateFormat, timestampFormat }: CsvOptions, type: string): boolean {
  return (
    (type === "DATE" && dateFormat !== undefined) || (type.startsWith("TIMESTAMP") && timestampFormat !== undefined)
  );
}

async function haveOneHeader(look: Look, [first, ...others]: readonly string[], dialect: string): Promise<boolean> {
  const header = async (path = ""): Promise<string> => {
    const [row] = await look(
      `select list_transform(Columns, lambda c: c.name)::varchar as names from sniff_csv(${quoteText(path)}, ${dialect}, sample_size = 1)`,
    );
    return String(row?.["names"]);
  };
  if (others.length === 0) return true;
  const expected = await header(first);
  for (const path of others) if ((await header(path)) !== expected) return false;
  return true;
}
