import type { Data } from "apache-arrow";
import { type CopyTarget, FixedValueWriter, valuesAs, valuesView } from "./value-writer.js";

/* Each loop stays with one kind of array and one width, so that the compiler keeps it free of calls. */

type SmallIntegers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** An integer of up to 32 bits as an int2, int4 or int8. */
export class SmallIntegerWriter extends FixedValueWriter {
  private values: SmallIntegers = new Int32Array(0);

  constructor(readonly width: 2 | 4 | 8) {
    super();
  }

  open(column: Data): void {
    this.values = column.values as SmallIntegers;
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { values, width } = this;
    if (width === 2) for (let k = 0; k < count; k++) view.setInt16(places[k]!, values[rows[k]!]!);
    else if (width === 4) for (let k = 0; k < count; k++) view.setInt32(places[k]!, values[rows[k]!]!);
    else {
      for (let k = 0; k < count; k++) {
        const value = values[rows[k]!]!;
        view.setInt32(places[k]!, value < 0 ? -1 : 0);
        view.setInt32(places[k]! + 4, value);
      }
    }
  }
}

/** Four bytes turned round: an int4 or a float4. */
export class Word32Writer extends FixedValueWriter {
  readonly width = 4;
  private words = new Int32Array(0);

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { words } = this;
    for (let k = 0; k < count; k++) view.setInt32(places[k]!, words[rows[k]!]!);
  }
}

/** Eight bytes turned round: an int8, a float8, or a time in microseconds. */
export class Word64Writer extends FixedValueWriter {
  readonly width = 8;
  private words = new Int32Array(0);

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { words } = this;
    for (let k = 0; k < count; k++) {
      const at = 2 * rows[k]!;
      view.setInt32(places[k]!, words[at + 1]!);
      view.setInt32(places[k]! + 4, words[at]!);
    }
  }
}

/** A float4 as a float8. */
export class WideFloatWriter extends FixedValueWriter {
  readonly width = 8;
  private values: Float32Array = new Float32Array(0);

  open(column: Data): void {
    this.values = column.values as Float32Array;
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    for (let k = 0; k < count; k++) view.setFloat64(places[k]!, this.values[rows[k]!]!);
  }
}

/** An integer that a float holds exactly. */
export class IntegerAsFloatWriter extends FixedValueWriter {
  private values: SmallIntegers = new Int32Array(0);

  constructor(readonly width: 4 | 8) {
    super();
  }

  open(column: Data): void {
    this.values = column.values as SmallIntegers;
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    for (let k = 0; k < count; k++) {
      if (this.width === 4) view.setFloat32(places[k]!, this.values[rows[k]!]!);
      else view.setFloat64(places[k]!, this.values[rows[k]!]!);
    }
  }
}

export class BooleanWriter extends FixedValueWriter {
  readonly width = 1;
  private bits: Uint8Array = new Uint8Array(0);
  private firstBit = 0;

  open(column: Data): void {
    this.bits = column.values as Uint8Array;
    this.firstBit = column.offset;
  }

  write({ bytes }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { bits, firstBit } = this;
    for (let k = 0; k < count; k++) {
      const bit = firstBit + rows[k]!;
      bytes[places[k]!] = (bits[bit >> 3]! >> (bit & 7)) & 1;
    }
  }
}

/** Sixteen bytes as they are. */
export class UuidWriter extends FixedValueWriter {
  readonly width = 16;
  private values: DataView = new DataView(new ArrayBuffer(0));

  open(column: Data): void {
    this.values = valuesView(column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { values } = this;
    for (let k = 0; k < count; k++) {
      const from = 16 * rows[k]!;
      const to = places[k]!;
      for (let byte = 0; byte < 16; byte += 4) view.setInt32(to + byte, values.getInt32(from + byte));
    }
  }
}

const WIDTHS: Readonly<Record<string, number>> = { smallint: 2, integer: 4, real: 4 };

/** A decimal without decimals, whose every value the column's type holds. */
export class WholeDecimalWriter extends FixedValueWriter {
  readonly width: number;
  private words = new Int32Array(0);

  /** @param native an integer's or a float's. */
  constructor(private readonly native: string) {
    super();
    this.width = WIDTHS[native] ?? 8;
  }

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    for (let k = 0; k < count; k++) {
      const low = this.words[4 * rows[k]!]!;
      const high = this.words[4 * rows[k]! + 1]!;
      const at = places[k]!;
      if (this.native === "smallint") view.setInt16(at, low);
      else if (this.native === "integer") view.setInt32(at, low);
      else if (this.native === "real") view.setFloat32(at, high * 0x1_0000_0000 + (low >>> 0));
      else if (this.native === "double precision") view.setFloat64(at, high * 0x1_0000_0000 + (low >>> 0));
      else {
        view.setInt32(at, high);
        view.setInt32(at + 4, low);
      }
    }
  }
}
