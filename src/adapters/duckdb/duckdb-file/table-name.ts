import { quoteIdentifier, quoteText } from "../quote.js";
import { COMMIT_TABLE } from "./commit-log.js";
import { STATE_TABLE } from "./job-state.js";

/** A table of a DuckDB file. */
export interface TableName {
  /** As jobs write it, behind the connection's name. */
  readonly text: string;
  /** Equal for all spellings of one table: DuckDB ignores the case of ASCII letters in names, and of no others. */
  readonly key: string;
  /** Quoted, to stand behind a catalogue and a dot. */
  readonly sql: string;
  /** The schema, quoted. */
  readonly schema: string;
  /** Equal for all spellings of one schema, and for no table; undefined for the schema that is always there. */
  readonly schemaKey: string | undefined;
  /** A condition on `schema_name` and `table_name`. */
  readonly condition: string;
  /** DuckDB or Millrace keep it for themselves. */
  readonly isReserved: boolean;
}

const RESERVED_SCHEMAS: ReadonlySet<string> = new Set(["information_schema", "pg_catalog"]);
const RESERVED_TABLES: ReadonlySet<string> = new Set([COMMIT_TABLE, STATE_TABLE]);

/** `orders` and `sales.orders`; undefined for what names no table. */
export function tableNameIn(text: string): TableName | undefined {
  const segments = text.split(".");
  if (segments.length > 2 || segments.includes("") || text.includes("\0")) return undefined;
  const [table = "", schema = "main"] = segments.reverse();
  const [foldedTable, foldedSchema] = [folded(table), folded(schema)];
  return {
    text,
    key: `${foldedSchema}.${foldedTable}`,
    sql: `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`,
    schema: quoteIdentifier(schema),
    schemaKey: foldedSchema === "main" ? undefined : foldedSchema,
    condition: `${foldedIn("schema_name")} = ${quoteText(foldedSchema)} and ${foldedIn("table_name")} = ${quoteText(foldedTable)}`,
    isReserved: RESERVED_SCHEMAS.has(foldedSchema) || (foldedSchema === "main" && RESERVED_TABLES.has(foldedTable)),
  };
}

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

function folded(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function foldedIn(column: string): string {
  return `translate(${column}, '${UPPER}', '${folded(UPPER)}')`;
}
