import type { DataType, StructField } from "../model/data-type.js";
import { didYouMean } from "./nearest-name.js";

/** A type, or why the text is none. */
export type ParsedDataType =
  { readonly type: DataType; readonly problem?: undefined } | { readonly type?: undefined; readonly problem: string };

/**
 * Reads a type as DuckDB spells it, in any case, with its aliases. Lengths (`VARCHAR(10)`) are refused, since DuckDB
 * ignores them.
 */
export function parseDataType(text: string): ParsedDataType {
  try {
    const reader = new TypeReader(text);
    const type = reader.type();
    reader.expectEnd();
    return { type };
  } catch (thrown) {
    if (thrown instanceof TypeTextError) return { problem: thrown.message };
    throw thrown;
  }
}

const integer = (bits: 8 | 16 | 32 | 64 | 128, signed = true): DataType => ({ kind: "integer", bits, signed });
const timestamp = (unit: "s" | "ms" | "us" | "ns", zoned = false): DataType => ({ kind: "timestamp", unit, zoned });
const named = (type: DataType, ...names: string[]) => names.map((name) => [name, type] as const);

/** DuckDB's names of the types that take no arguments; a test compares them with `duckdb_types()`. */
const PLAIN_TYPES: ReadonlyMap<string, DataType> = new Map([
  ...named({ kind: "boolean" }, "BOOLEAN", "BOOL", "LOGICAL"),
  ...named(integer(8), "TINYINT", "INT1"),
  ...named(integer(16), "SMALLINT", "INT2", "INT16", "SHORT"),
  ...named(integer(32), "INTEGER", "INT", "INT4", "INT32", "INTEGRAL", "SIGNED"),
  ...named(integer(64), "BIGINT", "INT8", "INT64", "LONG", "OID"),
  ...named(integer(128), "HUGEINT", "INT128"),
  ...named(integer(8, false), "UTINYINT", "UINT8"),
  ...named(integer(16, false), "USMALLINT", "UINT16"),
  ...named(integer(32, false), "UINTEGER", "UINT32"),
  ...named(integer(64, false), "UBIGINT", "UINT64"),
  ...named(integer(128, false), "UHUGEINT", "UINT128"),
  ...named({ kind: "bignum" }, "BIGNUM", "VARINT"),
  ...named({ kind: "float", bits: 32 }, "FLOAT", "FLOAT4", "REAL"),
  ...named({ kind: "float", bits: 64 }, "DOUBLE", "FLOAT8", "DOUBLE PRECISION"),
  ...named({ kind: "text" }, "VARCHAR", "TEXT", "STRING", "CHAR", "BPCHAR", "NVARCHAR", "CHARACTER VARYING"),
  ...named({ kind: "json" }, "JSON"),
  ...named({ kind: "bytes" }, "BLOB", "BYTEA", "BINARY", "VARBINARY"),
  ...named({ kind: "bit" }, "BIT", "BITSTRING"),
  ...named({ kind: "uuid" }, "UUID", "GUID"),
  ...named({ kind: "date" }, "DATE"),
  ...named({ kind: "time", unit: "us", zoned: false }, "TIME", "TIME WITHOUT TIME ZONE"),
  ...named({ kind: "time", unit: "ns", zoned: false }, "TIME_NS"),
  ...named({ kind: "time", unit: "us", zoned: true }, "TIMETZ", "TIME WITH TIME ZONE"),
  ...named(timestamp("us"), "TIMESTAMP", "DATETIME", "TIMESTAMP_US", "TIMESTAMP WITHOUT TIME ZONE"),
  ...named(timestamp("s"), "TIMESTAMP_S"),
  ...named(timestamp("ms"), "TIMESTAMP_MS"),
  ...named(timestamp("ns"), "TIMESTAMP_NS"),
  ...named(timestamp("us", true), "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"),
  ...named({ kind: "interval" }, "INTERVAL"),
]);

const DECIMAL_NAMES = ["DECIMAL", "NUMERIC", "DEC"];
const NESTED_NAMES = ["STRUCT", "ROW", "MAP", "UNION", "ENUM"];
const LAST_WORDS = /\s+(PRECISION|VARYING|WITH(?:OUT)?\s+TIME\s+ZONE)(?![A-Za-z0-9_])/iy;
const DEEPEST = 100;

class TypeTextError extends Error {}

/** Recursive descent over the text; each method starts where the last one stopped. */
class TypeReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  type(): DataType {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new TypeTextError(`types nest at most ${DEEPEST} deep`);
    let type = this.#base();
    let suffixes = 0;
    for (let suffix = this.#match(/\s*\[\s*(\d*)\s*\]/y); suffix; suffix = this.#match(/\s*\[\s*(\d*)\s*\]/y)) {
      suffixes += 1;
      if (this.#depth + suffixes > DEEPEST) throw new TypeTextError(`types nest at most ${DEEPEST} deep`);
      type = suffix[1] ? this.#array(type, Number(suffix[1])) : { kind: "list", item: type };
    }
    this.#depth -= 1;
    return type;
  }

  expectEnd(): void {
    const rest = this.#text.slice(this.#at).trim();
    if (rest !== "") throw new TypeTextError(`"${rest.slice(0, 50)}" is left over`);
  }

  #base(): DataType {
    const word = this.#match(/\s*([A-Za-z_][A-Za-z0-9_]*)/y)?.[1];
    if (word === undefined) throw new TypeTextError("a type is missing");
    const name = `${word} ${this.#match(LAST_WORDS)?.[1] ?? ""}`.trim().replace(/\s+/g, " ").toUpperCase();
    if (DECIMAL_NAMES.includes(name)) return this.#decimal();
    if (NESTED_NAMES.includes(name)) return this.#nested(name);
    const plain = PLAIN_TYPES.get(name);
    if (plain === undefined) {
      const known = [...PLAIN_TYPES.keys(), ...DECIMAL_NAMES, ...NESTED_NAMES];
      throw new TypeTextError(
        `"${name.slice(0, 50)}" is no type of DuckDB that a parameter can have.${didYouMean(name, known)}`,
      );
    }
    if (this.#match(/\s*\(/y)) throw new TypeTextError(`${name} takes no argument: the engine would ignore it`);
    return plain;
  }

  #decimal(): DataType {
    const args = this.#match(/\s*\(\s*(\d{1,3})\s*(?:,\s*(\d{1,3})\s*)?\)/y);
    // DuckDB's own defaults.
    const precision = args ? Number(args[1]) : 18;
    const scale = args ? Number(args[2] ?? 0) : 3;
    if (precision < 1 || precision > 38) throw new TypeTextError("a DECIMAL has 1 to 38 digits");
    if (scale > precision) throw new TypeTextError("the scale of a DECIMAL is at most its number of digits");
    return { kind: "decimal", precision, scale };
  }

  #nested(name: string): DataType {
    if (!this.#match(/\s*\(/y)) throw new TypeTextError(`${name} needs its parts in parentheses`);
    switch (name) {
      case "MAP": {
        const key = this.type();
        if (!this.#match(/\s*,/y)) throw new TypeTextError("MAP needs a type for its keys and one for its values");
        const value = this.type();
        this.#close(name);
        return { kind: "map", key, value };
      }
      case "ENUM":
        return {
          kind: "enum",
          values: this.#parts(
            name,
            () => this.#enumValue(),
            (value) => value,
          ),
        };
      case "UNION":
        return { kind: "union", members: this.#fields(name) };
      default:
        return { kind: "struct", fields: this.#fields(name) };
    }
  }

  #array(item: DataType, length: number): DataType {
    if (length < 1 || length > 100_000) throw new TypeTextError("an array has 1 to 100,000 items");
    return { kind: "array", item, length };
  }

  #fields(name: string): readonly StructField[] {
    // DuckDB's field names differ by more than case.
    return this.#parts(
      name,
      () => this.#field(),
      (field) => field.name.toLowerCase(),
    );
  }

  #field(): StructField {
    const name = this.#match(/\s*(?:([A-Za-z_][A-Za-z0-9_]*)|"((?:[^"]|"")+)")/y);
    if (name === null) throw new TypeTextError("a field needs a name and a type");
    return { name: name[1] ?? (name[2] ?? "").replaceAll('""', '"'), type: this.type() };
  }

  #enumValue(): string {
    const value = this.#match(/\s*'((?:[^']|'')*)'/y)?.[1];
    if (value === undefined) throw new TypeTextError("the values of an ENUM stand in single quotes");
    return value.replaceAll("''", "'");
  }

  #parts<T>(name: string, part: () => T, keyOf: (part: T) => string): readonly T[] {
    const parts = new Map<string, T>();
    do {
      const next = part();
      if (parts.has(keyOf(next))) throw new TypeTextError(`${name} names "${keyOf(next)}" twice`);
      parts.set(keyOf(next), next);
    } while (this.#match(/\s*,/y));
    this.#close(name);
    return [...parts.values()];
  }

  #close(name: string): void {
    if (!this.#match(/\s*\)/y)) throw new TypeTextError(`${name} is not closed`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at = pattern.lastIndex;
    return match;
  }
}
