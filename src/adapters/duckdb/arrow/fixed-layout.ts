import type { DataType } from "../../../model/data-type.js";

/** How the values of a type of fixed width lie in DuckDB and in Arrow. Widths are in bytes. */
export interface FixedLayout {
  readonly duckdbWidth: number;
  readonly arrowWidth: number;
  /** Rewrites values for Arrow. Without it the bytes are the same on both sides. */
  readonly toArrow?: Rewrite;
  /** Rewrites values for DuckDB, or returns false if one of them has no place there. */
  readonly toDuckDB?: (...parameters: Parameters<Rewrite>) => boolean;
}

/** Rewrites `count` values, from the offset in the source to the offset in the target. */
type Rewrite = (source: DataView, from: number, count: number, target: DataView, to: number) => void;

/** The layout of a type, or undefined where values have no fixed width or are bits. */
export function fixedLayout(type: DataType): FixedLayout | undefined {
  switch (type.kind) {
    case "integer":
    case "float":
      return same(type.bits / 8);
    case "date":
      return same(4);
    case "time":
    case "timestamp":
      return same(8);
    case "interval":
      return same(16);
    case "enum":
      return same(type.values.length < 256 ? 1 : type.values.length < 65_536 ? 2 : 4);
    case "uuid":
      return UUID_LAYOUT;
    case "decimal":
      return decimalLayout(type.precision);
    default:
      return undefined;
  }
}

function same(width: number): FixedLayout {
  return { duckdbWidth: width, arrowWidth: width };
}

const SIGN_BIT = 0x8000_0000;

/** DuckDB keeps a UUID as a little-endian integer whose top bit is flipped, so that integers sort as UUIDs do. */
const UUID_LAYOUT: FixedLayout = {
  duckdbWidth: 16,
  arrowWidth: 16,
  toArrow(source, from, count, target, to) {
    for (let end = from + count * 16; from < end; from += 16, to += 16) {
      target.setUint32(to, source.getUint32(from + 12, true) ^ SIGN_BIT);
      target.setUint32(to + 4, source.getUint32(from + 8, true));
      target.setUint32(to + 8, source.getUint32(from + 4, true));
      target.setUint32(to + 12, source.getUint32(from, true));
    }
  },
  toDuckDB(source, from, count, target, to) {
    for (let end = from + count * 16; from < end; from += 16, to += 16) {
      target.setUint32(to + 12, source.getUint32(from) ^ SIGN_BIT, true);
      target.setUint32(to + 8, source.getUint32(from + 4), true);
      target.setUint32(to + 4, source.getUint32(from + 8), true);
      target.setUint32(to, source.getUint32(from + 12), true);
    }
    return true;
  },
};

/** DuckDB keeps a decimal in the smallest integer that its precision fits in; Arrow always in 128 bits. */
function decimalLayout(precision: number): FixedLayout {
  if (precision > 18) return same(16);
  const width = precision <= 4 ? 2 : precision <= 9 ? 4 : 8;
  return {
    duckdbWidth: width,
    arrowWidth: 16,
    toArrow(source, from, count, target, to) {
      for (let end = from + count * width; from < end; from += width, to += 16) {
        const low = width === 2 ? source.getInt16(from, true) : source.getInt32(from, true);
        const high = width === 8 ? source.getInt32(from + 4, true) : low >> 31;
        target.setInt32(to, low, true);
        target.setInt32(to + 4, high, true);
        target.setInt32(to + 8, high >> 31, true);
        target.setInt32(to + 12, high >> 31, true);
      }
    },
    toDuckDB(source, from, count, target, to) {
      for (let end = from + count * 16; from < end; from += 16, to += width) {
        const low = source.getInt32(from, true);
        const high = source.getInt32(from + 4, true);
        const sign = high >> 31;
        if (source.getInt32(from + 8, true) !== sign || source.getInt32(from + 12, true) !== sign) return false;
        if (width < 8 && high !== low >> 31) return false;
        if (width === 2) {
          if (low !== (low << 16) >> 16) return false;
          target.setInt16(to, low, true);
        } else {
          target.setInt32(to, low, true);
          if (width === 8) target.setInt32(to + 4, high, true);
        }
      }
      return true;
    },
  };
}
