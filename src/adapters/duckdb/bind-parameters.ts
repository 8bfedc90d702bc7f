import {
  BLOB,
  type DuckDBPreparedStatement,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBUnionType,
  type DuckDBValue,
  INTERVAL,
  LIST,
  ARRAY,
  VARCHAR,
  arrayValue,
  blobValue,
  intervalValue,
  listValue,
  mapValue,
  structValue,
  unionValue,
} from "@duckdb/node-api";
import type { DataType } from "../../model/data-type.js";
import type { ParameterValue } from "../../model/job-definition.js";
import type { JsonValue } from "../../model/json.js";

/**
 * Binds a canonical value (`docs/parameters.md`).
 *
 * Values travel as the text that they are kept in, and the cast that stands around the parameter makes them what they
 * are: DuckDB reads its own text forms exactly, while the driver's conversions wrap, round and guess. Bytes and
 * intervals travel as themselves. Every part has an explicit type: the driver infers `[null, 1]` as a list of nulls.
 */
export function bindParameter(
  statement: DuckDBPreparedStatement,
  slot: string,
  type: DataType,
  value: ParameterValue,
): void {
  const index = statement.parameterIndex(slot);
  if (value === null) statement.bindNull(index);
  else statement.bindValue(index, carried(type, value), carrier(type));
}

/** The type in which a value of `type` travels. */
function carrier(type: DataType): DuckDBType {
  switch (type.kind) {
    case "bytes":
      return BLOB;
    case "interval":
      return INTERVAL;
    case "list":
      return LIST(carrier(type.item));
    case "array":
      return ARRAY(carrier(type.item), type.length);
    case "struct":
      return new DuckDBStructType(
        type.fields.map(({ name }) => name),
        type.fields.map((field) => carrier(field.type)),
      );
    case "union":
      return new DuckDBUnionType(
        type.members.map(({ name }) => name),
        type.members.map((member) => carrier(member.type)),
      );
    case "map":
      return new DuckDBMapType(carrier(type.key), carrier(type.value));
    default:
      return VARCHAR;
  }
}

function carried(type: DataType, value: JsonValue): DuckDBValue {
  if (value === null) return null;
  switch (type.kind) {
    case "bytes":
      return blobValue(Buffer.from(value as string, "base64"));
    case "interval": {
      const { months, days, micros } = value as { months: number; days: number; micros: number | string };
      return intervalValue(months, days, BigInt(micros));
    }
    case "list":
      return listValue(items(value).map((item) => carried(type.item, item)));
    case "array":
      return arrayValue(items(value).map((item) => carried(type.item, item)));
    case "struct": {
      const fields = value as Readonly<Record<string, JsonValue>>;
      return structValue(
        Object.fromEntries(type.fields.map((field) => [field.name, carried(field.type, fields[field.name] ?? null)])),
      );
    }
    case "union": {
      const [[tag, inner] = ["", null]] = Object.entries(value as Readonly<Record<string, JsonValue>>);
      const member = type.members.find(({ name }) => name === tag);
      return member === undefined ? null : unionValue(tag, carried(member.type, inner));
    }
    case "map":
      return mapValue(
        items(value).map((entry) => {
          const [key = null, inner = null] = items(entry);
          return { key: carried(type.key, key), value: carried(type.value, inner) };
        }),
      );
    default:
      return typeof value === "string" ? value : JSON.stringify(value);
  }
}

function items(value: JsonValue): readonly JsonValue[] {
  return value as readonly JsonValue[];
}
