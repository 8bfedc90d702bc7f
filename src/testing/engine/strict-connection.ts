import type { RecordBatch } from "apache-arrow";
import type { DataType } from "../../model/data-type.js";
import type { FilterValue, RowFilter } from "../../model/row-filter.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection } from "../../ports/connection.js";
import type { ScanRequest, TableSource, WantedRows } from "../../ports/table-source.js";
import type { SampleValue } from "../rows/column-buffers.js";
import { recordBatch, type SampleRow } from "../rows/record-batch.js";

export interface SampleTable {
  readonly schema: TableSchema;
  readonly rows: readonly SampleRow[];
}

/** A connection that gives what it is asked for and nothing else, and remembers what that was. */
export interface StrictConnection extends Connection {
  readonly asked: (Omit<ScanRequest, "signal"> & { readonly table: string })[];
}

/** Every filter is applied, and every limit kept, exactly as the ports say. */
export function strict(tables: Readonly<Record<string, SampleTable>>): StrictConnection {
  const asked: StrictConnection["asked"] = [];
  return {
    asked,
    capabilities: { kind: "test", read: true, write: "none", writeHint: "Write elsewhere.", tables: "named" },
    source: (name) => {
      const table = tables[name];
      return table && new StrictSource(table, (request) => asked.push({ table: name, ...request }));
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

class StrictSource implements TableSource {
  constructor(
    private readonly table: SampleTable,
    private readonly onScan: (request: Omit<ScanRequest, "signal">) => void,
  ) {}

  async schema(): Promise<TableSchema> {
    return this.table.schema;
  }

  async explain({ columns }: WantedRows): Promise<string> {
    return `reads ${columns.join(", ")}`;
  }

  async *scan({ signal, ...wanted }: ScanRequest): AsyncGenerator<RecordBatch> {
    this.onScan(wanted);
    const columns = wanted.columns.map((name) => this.table.schema.columns.find((column) => column.name === name)!);
    const types = new Map(this.table.schema.columns.map(({ name, type }) => [name, type]));
    const rows = this.table.rows.filter((row) => (wanted.filters ?? []).every((filter) => holds(filter, row, types)));
    signal.throwIfAborted();
    yield recordBatch({ columns }, rows.slice(0, wanted.limit));
  }
}

/** Whether a filter is true for a row: null where it is neither true nor false. */
function holds(filter: RowFilter, row: SampleRow, types: ReadonlyMap<string, DataType>): boolean | null {
  switch (filter.kind) {
    case "and":
    case "or": {
      const parts = filter.parts.map((part) => holds(part, row, types));
      const decides = filter.kind === "or";
      return parts.includes(decides) ? decides : parts.includes(null) ? null : !decides;
    }
    case "is_null":
      return (row[filter.column] ?? null) === null;
    case "is_not_null":
      return (row[filter.column] ?? null) !== null;
    default: {
      const value = row[filter.column] ?? null;
      if (value === null) return null;
      const left = comparable(types.get(filter.column)!, value);
      if (filter.kind === "in") return filter.values.some((item) => order(left, constant(item)) === 0);
      return SIGNS[filter.operator](order(left, constant(filter.value)));
    }
  }
}

const SIGNS: Readonly<Record<(RowFilter & { kind: "compare" })["operator"], (sign: number) => boolean>> = {
  "=": (sign) => sign === 0,
  "<>": (sign) => sign !== 0,
  "<": (sign) => sign < 0,
  "<=": (sign) => sign <= 0,
  ">": (sign) => sign > 0,
  ">=": (sign) => sign >= 0,
};

type Comparable = bigint | number | string;

/** As DuckDB orders them: NaN is the largest number, and equal to itself. */
function order(left: Comparable, right: Comparable): number {
  if (typeof left !== typeof right) throw new TypeError(`${typeof left} and ${typeof right} were compared`);
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A value of a row. */
function comparable(type: DataType, value: SampleValue): Comparable {
  switch (type.kind) {
    case "float":
      return Number(value);
    case "text":
      return Buffer.from(String(value)).toString("hex");
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("hex");
    case "uuid":
      return String(value);
    case "enum":
      return type.values.indexOf(String(value));
    case "boolean":
      return Number(value);
    default:
      return BigInt(value as bigint);
  }
}

/** A constant, which is in the form of docs/parameters.md: a number, a truth value or a text. */
function constant({ type, value }: FilterValue): Comparable {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  switch (type.kind) {
    case "float":
      return Number(value);
    case "integer":
      return BigInt(text);
    case "decimal":
      return BigInt(text.replace(".", ""));
    case "text":
      return Buffer.from(text).toString("hex");
    case "bytes":
      return Buffer.from(text, "base64").toString("hex");
    case "uuid":
      return text;
    case "enum":
      return type.values.indexOf(text);
    case "boolean":
      return Number(value);
    case "date":
      return BigInt(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
    case "time":
      return ticks(`1970-01-01T${text}`, 6);
    case "timestamp":
      return ticks(text.replace("Z", ""), { s: 0, ms: 3, us: 6, ns: 9 }[type.unit]);
    default:
      throw new TypeError(`${type.kind} is not compared`);
  }
}

function ticks(text: string, digits: number): bigint {
  const [clock = "", fraction = ""] = text.split(".");
  return BigInt(Date.parse(`${clock}Z`) / 1_000) * 10n ** BigInt(digits) + BigInt(fraction.padEnd(digits, "0") || "0");
}
