import type { Data } from "apache-arrow";
import type { DataType } from "../model/data-type.js";
import { dateText, decimalText, timestampText, timeText } from "../model/value-text.js";
import type { PlainValue } from "../jobs/plain-value.js";

/**
 * The greatest or the least value of one column, over all its batches, in the order in which the engine sorts: numbers
 * and times by size, text by its bytes in UTF-8. Nulls do not count. Each batch is read column-wise where it lies, and
 * nothing of it is kept.
 */
export interface LastValue {
  take(data: Data): void;
  /** Undefined: there was no value. NaN, once there was one: an engine sorts it behind all others. */
  value(): PlainValue | undefined;
}

export function lastValue(type: DataType, take: "max" | "min"): LastValue {
  const isMax = take === "max";
  switch (type.kind) {
    case "integer":
      return type.bits < 64 ? lastNumber(isMax) : lastWords(type.bits / 32, type.signed, isMax, (value) => value);
    case "float":
      return lastNumber(isMax);
    case "date":
      return lastNumber(isMax, dateText);
    case "decimal":
      return lastWords(4, true, isMax, (value) => decimalText(value, type.scale));
    case "time":
      return lastWords(2, true, isMax, (value) => timeText(value, type.unit));
    case "timestamp":
      return lastWords(2, true, isMax, (value) => timestampText(value, type.unit, type.zoned));
    case "uuid":
      return lastBytes(isMax, UUID_BYTES, uuidOf);
    case "text":
      return lastBytes(isMax, undefined, (bytes) => TEXT.decode(bytes));
    default:
      throw new TypeError(`${type.kind} has no order`);
  }
}

/** What a double holds exactly. */
function lastNumber(isMax: boolean, show: (value: number) => PlainValue = (value) => value): LastValue {
  const sign = isMax ? 1 : -1;
  let best: number | undefined;
  return {
    take(data) {
      const values = data.values as ArrayLike<number>;
      const isValid = validity(data);
      let signed = best === undefined ? Number.NEGATIVE_INFINITY : sign * best;
      let found = best !== undefined;
      for (let row = 0; row < data.length; row++) {
        if (isValid && !isValid(row)) continue;
        const value = sign * values[row]!;
        found = true;
        // Nothing is greater than NaN, and so it stays.
        if (value > signed || Number.isNaN(value)) signed = value;
      }
      if (found) best = sign * signed;
    },
    value: () => (best === undefined ? undefined : show(best)),
  };
}

/** Whole numbers of several words of 32 bits, little-endian: compared from their highest word down. */
function lastWords(words: number, isSigned: boolean, isMax: boolean, show: (value: bigint) => PlainValue): LastValue {
  const width = words * 4;
  /** From the highest word. */
  let best: number[] | undefined;
  return {
    take(data) {
      const view = viewOf(data);
      const isValid = validity(data);
      for (let row = 0; row < data.length; row++) {
        if (isValid && !isValid(row)) continue;
        let at = row * width + width - 4;
        let word = isSigned ? view.getInt32(at, true) : view.getUint32(at, true);
        if (best !== undefined) {
          let index = 0;
          while (word === best[index] && ++index < words) word = view.getUint32((at -= 4), true);
          if (index === words || word > best[index]! !== isMax) continue;
          at = row * width + width - 4;
          word = isSigned ? view.getInt32(at, true) : view.getUint32(at, true);
        }
        best ??= new Array<number>(words);
        best[0] = word;
        for (let index = 1; index < words; index++) best[index] = view.getUint32(at - index * 4, true);
      }
    },
    value() {
      if (best === undefined) return undefined;
      return show(best.reduce((value, word) => value * 0x1_0000_0000n + BigInt(word), 0n));
    },
  };
}

/**
 * Bytes that sort like what they stand for.
 *
 * @param width of each value; undefined: the column's offsets tell.
 */
function lastBytes(isMax: boolean, width: number | undefined, show: (bytes: Uint8Array) => PlainValue): LastValue {
  let best: Uint8Array | undefined;
  return {
    take(data) {
      const { buffer, byteOffset, byteLength } = data.values as ArrayBufferView;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      const offsets = data.valueOffsets as Int32Array;
      const isValid = validity(data);
      // Where the best one lies: in what was kept of the batches before, or in this one.
      let held = best;
      let heldFrom = 0;
      let heldTo = best?.length ?? 0;
      for (let row = 0; row < data.length; row++) {
        if (isValid && !isValid(row)) continue;
        const from = width === undefined ? offsets[row]! : row * width;
        const to = width === undefined ? offsets[row + 1]! : from + width;
        if (held !== undefined) {
          const end = from + Math.min(to - from, heldTo - heldFrom);
          let at = from;
          let heldAt = heldFrom;
          while (at < end && bytes[at] === held[heldAt]) {
            at += 1;
            heldAt += 1;
          }
          const order = at < end ? bytes[at]! - held[heldAt]! : to - from - (heldTo - heldFrom);
          if (isMax ? order <= 0 : order >= 0) continue;
        }
        held = bytes;
        heldFrom = from;
        heldTo = to;
      }
      // The batch goes on to the destination, which may take its buffers away.
      if (held !== best) best = held?.slice(heldFrom, heldTo);
    },
    value: () => (best === undefined ? undefined : show(best)),
  };
}

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });
const UUID_BYTES = 16;

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function viewOf(data: Data): DataView {
  const { buffer, byteOffset, byteLength } = data.values as ArrayBufferView;
  return new DataView(buffer, byteOffset, byteLength);
}

/** Undefined where no row is null. */
function validity({ nullBitmap, nullCount, offset }: Data): ((row: number) => boolean) | undefined {
  const bits = nullBitmap as Uint8Array | undefined;
  if (nullCount === 0 || bits === undefined || bits.byteLength === 0) return undefined;
  return (row) => ((bits[(offset + row) >> 3]! >> ((offset + row) & 7)) & 1) === 1;
}
