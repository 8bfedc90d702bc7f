import type { Look } from "./duckdb-relation.js";
import { quoteIdentifier, quoteText } from "./quote.js";

/** How a column of text files is read so that nothing in it is rounded or cut. */
export interface ExactColumn {
  /** The type to read it as. */
  readonly readAs: string;
  /** What the table shows of it. */
  readonly expression: string;
}

/** The column that holds a row's file while files are read. */
export const FILE_COLUMN = "millrace file";

/** A value that its column cannot hold. */
export interface BadValue {
  readonly file: string;
  readonly column: string;
  readonly type: string;
  readonly value: string;
}

/** Begins the message of {@link exactColumn}'s errors; the rest is a {@link BadValue} as JSON. */
const MARK = "millrace bad value ";

/** The bad value that an error's text tells of, if it does. */
export function badValueIn(text: string): BadValue | undefined {
  const start = text.indexOf(MARK);
  if (start < 0) return undefined;
  try {
    const told: unknown = JSON.parse(text.slice(start + MARK.length).split("\n")[0] ?? "");
    return isBadValue(told) ? told : undefined;
  } catch {
    // A query may throw any text that it likes.
    return undefined;
  }
}

/**
 * Where a value first stands in a file.
 *
 * @param texts the file as a relation with nothing but texts in it.
 */
export async function placeOf(
  look: Look,
  texts: string,
  column: string,
  value: string,
  file: string,
): Promise<string | undefined> {
  const numbered = `select row_number() over () as row, ${quoteIdentifier(column)} as value from ${texts}`;
  const [found] = await look(`select row from (${numbered}) where value = ${quoteText(value)} limit 1`);
  return found && `row ${String(found["row"])} of ${file}`;
}

function isBadValue(told: unknown): told is BadValue {
  const parts = told as Record<keyof BadValue, unknown>;
  return (
    typeof told === "object" &&
    told !== null &&
    [parts.file, parts.column, parts.type, parts.value].every((part) => typeof part === "string")
  );
}

/**
 * DuckDB reads 1.5 into an integer column as 2, a timestamp into a DATE column as its day, and drops the offset of a text
 * that goes into a TIMESTAMP. Such columns are therefore read as text, looked at, and converted.
 *
 * @param type as DuckDB itself spells it.
 * @param hasFormat whether DuckDB is told how the values are written, and then takes no others.
 */
export function exactColumn(name: string, type: string, hasFormat: boolean): ExactColumn {
  const column = quoteIdentifier(name);
  const isLossy = hasFormat ? undefined : lossy(type, column);
  if (isLossy === undefined) return { readAs: type, expression: column };
  const details = `json_object('file', ${quoteIdentifier(FILE_COLUMN)}, 'column', ${quoteText(name)}, 'type', ${quoteText(type)}, 'value', ${column})`;
  const refuse = `error(${quoteText(MARK)} || ${details})`;
  const value = `case when ${column} is null then null when ${isLossy} then ${refuse} else coalesce(try_cast(${column} as ${type}), ${refuse}) end`;
  return { readAs: "VARCHAR", expression: `${value} as ${column}` };
}

/** The condition under which a text would lose something as this type; undefined for types that lose nothing. */
function lossy(type: string, column: string): string | undefined {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) {
    // The fast test first: nearly every value passes it.
    return `(contains(${column}, '.') or contains(${column}, 'e') or contains(${column}, 'E')) and not regexp_full_match(${column}, '[-+]?[0-9]+\\.0*')`;
  }
  const scale = /^DECIMAL\(\d+,\s?(\d+)\)$/.exec(type)?.[1];
  if (scale !== undefined) return `regexp_matches(${column}, '[eE]|\\.[0-9]{${scale}}0*[1-9]')`;
  switch (type) {
    case "DATE":
      return `contains(${column}, ':')`;
    case "TIME":
      return `regexp_matches(${column}, '[Zz+-]|\\.[0-9]{6}0*[1-9]')`;
    case "TIMESTAMP":
      return `regexp_matches(${column}, '[Zz+]|:.*-|\\.[0-9]{6}0*[1-9]')`;
    case "TIMESTAMP WITH TIME ZONE":
      return `regexp_matches(${column}, '\\.[0-9]{6}0*[1-9]')`;
    default:
      return undefined;
  }
}
