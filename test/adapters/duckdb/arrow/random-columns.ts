import { type DataType, formatDataType } from "../../../../src/model/data-type.js";

/** Draws types, and SQL expressions for values of them. */
export class RandomColumns {
  private variables = 0;

  constructor(private readonly random: () => number) {}

  type(depth: number): DataType {
    if (depth === 0 || this.random() < 0.4) return this.pick(LEAVES);
    switch (this.below(5)) {
      case 0:
        return { kind: "array", item: this.type(depth - 1), length: 1 + this.below(4) };
      case 1:
        return { kind: "struct", fields: this.fields(depth) };
      case 2:
        return { kind: "map", key: this.pick(MAP_KEYS), value: this.type(depth - 1) };
      case 3:
        return { kind: "union", members: this.fields(depth) };
      default:
        return { kind: "list", item: this.type(depth - 1) };
    }
  }

  /** An expression of the type that gives another value, or null, for each value of `seed`, itself a SQL expression. */
  value(type: DataType, seed: string): string {
    const nulls = this.pick([1, 2, 5, 2048, Infinity]);
    const value = `(${this.some(type, seed)})::${formatDataType(type)}`;
    // Not a CASE, which DuckDB has not for arrays: what lies behind a list's end is null.
    return nulls === Infinity ? value : `([${value}])[if(${this.hash(seed)} % ${nulls} <> 0, 1, 2)]`;
  }

  private some(type: DataType, seed: string): string {
    const hash = this.hash(seed);
    switch (type.kind) {
      case "list": {
        const item = `x${this.variables++}`;
        const items = this.pick([`${hash} % 4`, `case ${hash} % 100 when 0 then 300 else 0 end`, "3"]);
        return `list_transform(range((${items})::bigint), lambda ${item}: ${this.value(type.item, `hash(${seed}, ${item})`)})`;
      }
      case "array":
        return `[${Array.from({ length: type.length }, () => this.value(type.item, seed)).join(", ")}]`;
      case "struct":
        return `{${type.fields.map(({ name, type: field }) => `'${name}': ${this.value(field, seed)}`).join(", ")}}`;
      case "map": {
        const item = `x${this.variables++}`;
        const value = this.value(type.value, `hash(${seed}, ${item})`);
        return `map_from_entries(list_transform(range((${hash} % 4)::bigint),
                lambda ${item}: {'key': (${MAP_KEY_OF[type.key.kind]!(item)})::${formatDataType(type.key)}, 'value': ${value}}))`;
      }
      case "union": {
        const spelling = formatDataType(type);
        const members = type.members.map(({ name, type: member }) => {
          return `union_value(${name} := ${this.value(member, seed)})::${spelling}`;
        });
        return `([${members.join(", ")}])[1 + (${hash} % ${members.length})::bigint]`;
      }
      default:
        return leafValue(type, hash);
    }
  }

  private fields(depth: number): { name: string; type: DataType }[] {
    return Array.from({ length: 1 + this.below(3) }, (_, index) => ({ name: `f${index}`, type: this.type(depth - 1) }));
  }

  private hash(seed: string): string {
    return `hash(${seed}, ${this.below(1_000_000_000)})`;
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

function leafValue(type: DataType, hash: string): string {
  switch (type.kind) {
    case "boolean":
      return `${hash} % 2 = 0`;
    case "integer": {
      const range = type.bits === 128 ? `${hash}::uhugeint * 1000003` : `${hash} % ${2n ** BigInt(type.bits - 1)}`;
      return type.signed ? `(${range})::hugeint - ${2n ** BigInt(Math.min(type.bits, 64) - 1)}` : range;
    }
    case "float":
      return `case ${hash} % 9 when 0 then 'nan' when 1 then '-infinity' when 2 then '-0.0' else (${hash} / 3e9)::varchar end`;
    case "decimal":
      return `(${hash} % 100)::decimal(4, 2) / 100 * case ${hash} % 2 when 0 then 1 else -1 end`;
    case "json":
      return `'{"a": ' || ${hash} || '}'`;
    case "enum":
      return `'${type.values[0]!.slice(0, 1)}' || (${hash} % ${type.values.length})`;
    case "text":
      // Short and long ones side by side, and characters of two to four bytes.
      return `repeat(['a', 'ß', '漢', '🦆', chr(0)][1 + (${hash} % 5)::bigint], (${hash} % 17)::bigint)`;
    case "bytes":
      return `unhex(md5((${hash})::varchar)[:2 * (${hash} % 17)::bigint])`;
    case "bit":
      return `right(bin(${hash} | 1), 1 + (${hash} % 64)::bigint)`;
    case "bignum":
      return `case ${hash} % 2 when 0 then '-' else '' end || ${hash} || repeat('7', (${hash} % 60)::bigint)`;
    case "uuid":
      return `md5((${hash})::varchar)`;
    case "date":
      return `case ${hash} % 9 when 0 then date 'infinity' else date '1970-01-01' + (${hash} % 2000000)::integer - 1000000 end`;
    case "time":
      return type.zoned
        ? `(time '00:00:00' + to_microseconds((${hash} % 86400000000)::bigint))::varchar || '+05:30'`
        : `time '00:00:00' + to_microseconds((${hash} % 86400000000)::bigint)`;
    case "timestamp":
      return `case ${hash} % 9 when 0 then 'infinity'::timestamp else make_timestamp((${hash} % 9000000000000000)::bigint - 4500000000000000) end`;
    case "interval":
      return `to_months((${hash} % 99)::integer) - to_days((${hash} % 77)::integer) + to_microseconds((${hash} % 99999)::bigint)`;
    default:
      throw new TypeError(type.kind);
  }
}

const bits = [8, 16, 32, 64, 128] as const;
const LEAVES: readonly DataType[] = [
  { kind: "boolean" },
  ...bits.map((width) => ({ kind: "integer", bits: width, signed: true }) as const),
  ...bits.map((width) => ({ kind: "integer", bits: width, signed: false }) as const),
  { kind: "bignum" },
  { kind: "float", bits: 32 },
  { kind: "float", bits: 64 },
  ...[4, 9, 18, 38].map((precision) => ({ kind: "decimal", precision, scale: 2 }) as const),
  // Twice: the type with the most ways to go wrong.
  { kind: "text" },
  { kind: "text" },
  { kind: "json" },
  ...[3, 300].map(
    (count) => ({ kind: "enum", values: Array.from({ length: count }, (_, index) => `v${index}`) }) as const,
  ),
  { kind: "bytes" },
  { kind: "bit" },
  { kind: "uuid" },
  { kind: "date" },
  { kind: "time", unit: "us", zoned: false },
  { kind: "time", unit: "ns", zoned: false },
  { kind: "time", unit: "us", zoned: true },
  ...(["s", "ms", "us", "ns"] as const).map((unit) => ({ kind: "timestamp", unit, zoned: false }) as const),
  { kind: "timestamp", unit: "us", zoned: true },
  { kind: "interval" },
];

const MAP_KEYS: readonly DataType[] = [{ kind: "integer", bits: 32, signed: true }, { kind: "text" }, { kind: "uuid" }];
/** Keys that differ within one map. */
const MAP_KEY_OF: Readonly<Record<string, (item: string) => string>> = {
  integer: (item) => item,
  text: (item) => `repeat('key', 1 + 2 * ${item}) || ${item}`,
  uuid: (item) => `md5(${item}::varchar)`,
};
