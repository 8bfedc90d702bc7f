import { DuckDBInstance } from "@duckdb/node-api";
import { type DataType, formatDataType } from "../../src/model/data-type.js";
import type { FilterValue, RowFilter } from "../../src/model/row-filter.js";
import type { TableSource } from "../../src/ports/table-source.js";
import { readSource } from "./read-source.js";

export interface Agreement {
  /** Filters for which rows were left out that the engine keeps, or a limit that counted other rows than the engine's. */
  readonly wrong: readonly string[];
  /** Filters that left rows out. */
  readonly narrowed: number;
  /** Filters for which a limit was kept. */
  readonly limited: number;
}

const OPERATORS = ["=", "<>", "<", "<=", ">", ">="] as const;

/**
 * Asks a table with the columns `id` and `c` for the rows of every comparison with these constants, and DuckDB too, which
 * has the same rows as they are read.
 */
export async function filtersAgree(
  source: TableSource,
  type: DataType,
  constants: readonly FilterValue["value"][],
): Promise<Agreement> {
  const instance = await DuckDBInstance.create();
  try {
    const duckdb = await instance.connect();
    await duckdb.run(`create table t (id bigint, c ${formatDataType(type)})`);
    const all = await readSource(source, { columns: ["id", "c"] });
    for (const { id, c } of all) {
      await duckdb.run(`insert into t values (${String(id)}, ${literal(c, type)})`);
    }
    const wrong: string[] = [];
    let narrowed = 0;
    let limited = 0;
    for (const filter of filtersOn(type, constants)) {
      const reader = await duckdb.runAndReadAll(`select id from t where ${sqlOf(filter, type)}`);
      const kept = new Set(reader.getRows().map(([id]) => id));
      const read = await readSource(source, { columns: ["id"], filters: [filter] });
      const ids = new Set(read.map(({ id }) => BigInt(id as bigint)));
      const few = await readSource(source, { columns: ["id"], filters: [filter], limit: 1 });
      const isLimited = few.length < read.length;
      const isRight =
        [...kept].every((id) => ids.has(id as bigint)) &&
        (!isLimited ||
          (few.length === Math.min(1, kept.size) && few.every(({ id }) => kept.has(BigInt(id as bigint)))));
      if (!isRight) wrong.push(sqlOf(filter, type));
      if (read.length < all.length) narrowed += 1;
      if (isLimited) limited += 1;
    }
    return { wrong, narrowed, limited };
  } finally {
    instance.closeSync();
  }
}

function filtersOn(type: DataType, constants: readonly FilterValue["value"][]): readonly RowFilter[] {
  const values = constants.map((value) => ({ type, value }));
  const compared = values.flatMap((value) =>
    OPERATORS.map((operator) => ({ kind: "compare", column: "c", operator, value }) as const),
  );
  const nulls = (["is_null", "is_not_null"] as const).map((kind) => ({ kind, column: "c" }));
  const pairs = compared.flatMap((first, index) => {
    const second = compared[(index * 7 + 3) % compared.length]!;
    return (["and", "or"] as const).map((kind) => ({ kind, parts: [first, second] }));
  });
  return [...nulls, ...compared, { kind: "in", column: "c", values }, ...pairs];
}

function sqlOf(filter: RowFilter, type: DataType): string {
  switch (filter.kind) {
    case "compare":
      return `c ${filter.operator} ${literal(filter.value.value, type)}`;
    case "in":
      return `c in (${filter.values.map(({ value }) => literal(value, type)).join(", ")})`;
    case "is_null":
      return "c is null";
    case "is_not_null":
      return "c is not null";
    default:
      return `(${filter.parts.map((part) => sqlOf(part, type)).join(` ${filter.kind} `)})`;
  }
}

/** A value as it is read, or as a filter has it. */
function literal(value: unknown, type: DataType): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return `from_hex('${Buffer.from(value).toString("hex")}')`;
  const plain = `${value as string | number | bigint | boolean}`;
  if (type.kind === "bytes") return `from_base64('${plain}')`;
  const text = plain.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  return `cast(${text.join(" || chr(0) || ")} as ${formatDataType(type)})`;
}
