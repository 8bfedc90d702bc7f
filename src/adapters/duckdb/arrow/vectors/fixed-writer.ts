import { DataType as ArrowType, DateUnit, TimeUnit, type Data } from "apache-arrow";
import { type DataType, formatDataType } from "../../../../model/data-type.js";
import { type Bitmap, isSet } from "../../../arrow/bitmap.js";
import { fixedLayout } from "../fixed-layout.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { Scratch } from "./scratch.js";
import { rowsWithValue, valueBytes, type VectorWriter, writeBytes, writeValidity } from "./vector-writer.js";

/** Writes the types whose values all have the same width. Most of them are copied as they are. */
export function fixedWriter(type: DataType, arrow: ArrowType, column: string): VectorWriter {
  const scaled = scaledWriter(type, arrow, column);
  if (scaled !== undefined) return scaled;
  const layout = fixedLayout(type);
  if (layout === undefined) throw new TypeError(`${type.kind} was let through`);
  const { arrowWidth, duckdbWidth, toDuckDB } = layout;
  const scratch = new Scratch();
  const cleared = new Scratch();
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    writeValidity(vector, valid, count);
    const source = valueBytes(data, start * arrowWidth, count * arrowWidth, valid, count);
    if (toDuckDB === undefined) {
      writeBytes(vector, source);
      return;
    }
    const rows = withoutNulls(source, arrowWidth, count, valid, cleared);
    const target = scratch.take(count * duckdbWidth);
    if (!toDuckDB(viewOf(rows), 0, count, viewOf(target), 0)) {
      throw unmovableValue(column, `a value does not fit in ${formatDataType(type)}`);
    }
    writeBytes(vector, target);
  };
}

/** What a null row holds is nobody's value: it must not be found too large. */
function withoutNulls(
  source: Uint8Array,
  width: number,
  count: number,
  valid: Bitmap | null,
  scratch: Scratch,
): Uint8Array {
  if (valid === null) return source;
  const rows = scratch.take(source.length);
  rows.set(source);
  for (let row = 0; row < count; row++) if (!isSet(valid, row)) rows.fill(0, row * width, (row + 1) * width);
  return rows;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const MILLISECONDS_PER_DAY = 86_400_000n;
const INFINITY = 2n ** 63n - 1n;

/**
 * The writers for dates, times, instants and durations in units that DuckDB does not have for them. Such columns come
 * from users, not from this adapter.
 */
function scaledWriter(type: DataType, arrow: ArrowType, column: string): VectorWriter | undefined {
  if (ArrowType.isDate(arrow) && arrow.unit === DateUnit.MILLISECOND) {
    return rewriter(8, 4, (source, at, target, to) => {
      const milliseconds = source.getBigInt64(at, true);
      const days = milliseconds / MILLISECONDS_PER_DAY;
      if (days * MILLISECONDS_PER_DAY !== milliseconds) throw unmovableValue(column, "a date has a time of day");
      if (days !== BigInt.asIntN(32, days)) throw unmovableValue(column, "a date is out of range");
      target.setInt32(to, Number(days), true);
    });
  }
  if (ArrowType.isTime(arrow) && arrow.bitWidth === 32) {
    const factor = MICROSECONDS_PER[arrow.unit];
    return rewriter(4, 8, (source, at, target, to) => {
      target.setBigInt64(to, BigInt(source.getInt32(at, true)) * factor, true);
    });
  }
  if (ArrowType.isTimestamp(arrow) && type.kind === "timestamp" && type.zoned && type.unit !== "us") {
    return rewriter(8, 8, (source, at, target, to) => {
      target.setBigInt64(to, microseconds(source.getBigInt64(at, true), arrow.unit, column), true);
    });
  }
  if (ArrowType.isDuration(arrow)) {
    return rewriter(8, 16, (source, at, target, to) => {
      target.setBigInt64(to + 8, microseconds(source.getBigInt64(at, true), arrow.unit, column), true);
    });
  }
  return undefined;
}

const MICROSECONDS_PER = {
  [TimeUnit.SECOND]: 1_000_000n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1n,
  [TimeUnit.NANOSECOND]: 1n,
} as const;

function microseconds(value: bigint, unit: TimeUnit, column: string): bigint {
  if (value === INFINITY || value === -INFINITY) return value;
  if (unit === TimeUnit.NANOSECOND) {
    if (value % 1000n !== 0n) throw unmovableValue(column, "a value is no whole number of microseconds");
    return value / 1000n;
  }
  const scaled = value * MICROSECONDS_PER[unit];
  if (scaled !== BigInt.asIntN(64, scaled)) throw unmovableValue(column, "a value is out of range");
  return scaled;
}

type RewriteValue = (source: DataView, at: number, target: DataView, to: number) => void;

function rewriter(arrowWidth: number, duckdbWidth: number, rewrite: RewriteValue): VectorWriter {
  return (vector, data: Data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    writeValidity(vector, valid, count);
    const source = viewOf(valueBytes(data, start * arrowWidth, count * arrowWidth, valid, count));
    const target = new Uint8Array(count * duckdbWidth);
    const view = viewOf(target);
    for (let row = 0; row < count; row++) {
      if (valid === null || isSet(valid, row)) rewrite(source, row * arrowWidth, view, row * duckdbWidth);
    }
    writeBytes(vector, target);
  };
}
