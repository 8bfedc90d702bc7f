import type { Data } from "apache-arrow";
import { writeAscii } from "../../sql/digits.js";
import { type FieldWriter, valuesView } from "./field-writer.js";

const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** What stands behind the backslash for a byte that ends fields or lines, or ends text for who reads C strings. */
const ESCAPES = new Map([
  [0x00, 0x30],
  [0x09, 0x74],
  [0x0a, 0x6e],
  [BACKSLASH, BACKSLASH],
]);

function writeEscaped(bytes: Uint8Array, at: number, text: Uint8Array, from: number, to: number): number {
  for (let index = from; index < to; index++) {
    const byte = text[index]!;
    if (byte > 0x0a && byte !== BACKSLASH) {
      bytes[at++] = byte;
      continue;
    }
    const escape = ESCAPES.get(byte);
    if (escape !== undefined) bytes[at++] = BACKSLASH;
    bytes[at++] = escape ?? byte;
  }
  return at;
}

/** What a column of text does to a text that it does not keep, without a word. */
export interface TextLimits {
  /** How many characters it keeps; it cuts spaces behind them. */
  readonly most?: number;
  /** Whether it takes spaces at the end for its own padding. */
  readonly padded?: boolean;
}

/** @throws RangeError for a text that the column would change. */
function refuseCut(text: Uint8Array, from: number, to: number, { most = Infinity, padded = false }: TextLimits): void {
  if (to - from > most && charactersIn(text, from, to) > most) {
    throw new RangeError(`holds a text of more than ${most} characters`);
  }
  if (padded && to > from && text[to - 1] === SPACE) {
    throw new RangeError("holds a text that ends in a space, which a column of type char drops");
  }
}

function charactersIn(text: Uint8Array, from: number, to: number): number {
  let characters = 0;
  for (let byte = from; byte < to; byte++) if ((text[byte]! & 0xc0) !== 0x80) characters += 1;
  return characters;
}

/** Text and JSON. */
export class TextField implements FieldWriter {
  private text: Uint8Array = new Uint8Array(0);
  private offsets: Int32Array = new Int32Array(1);

  constructor(private readonly limits: TextLimits = {}) {}

  open(column: Data): void {
    this.text = column.values as Uint8Array;
    this.offsets = column.valueOffsets as Int32Array;
  }

  room(row: number): number {
    return 2 * (this.offsets[row + 1]! - this.offsets[row]!);
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const from = this.offsets[row]!;
    const to = this.offsets[row + 1]!;
    refuseCut(this.text, from, to, this.limits);
    return writeEscaped(bytes, at, this.text, from, to);
  }
}

/** The labels of an enum. */
export class EnumField implements FieldWriter {
  private keys: ArrayLike<number> = [];
  private labels: readonly Uint8Array[] = [];
  private dictionary: unknown;

  constructor(private readonly limits: TextLimits = {}) {}

  open(column: Data): void {
    this.keys = column.values as Uint8Array;
    if (column.dictionary === this.dictionary) return;
    this.dictionary = column.dictionary;
    this.labels = (column.dictionary?.toJSON() ?? []).map((label: string) => Buffer.from(label));
  }

  room(row: number): number {
    // The key of a null may name no label.
    return 2 * (this.labels[this.keys[row]!]?.length ?? 0);
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const label = this.labels[this.keys[row]!];
    if (label === undefined) throw new RangeError("holds a number that its enum has no label for");
    refuseCut(label, 0, label.length, this.limits);
    return writeEscaped(bytes, at, label, 0, label.length);
  }
}

const HEX = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

function writeHex(bytes: Uint8Array, at: number, byte: number): number {
  bytes[at] = HEX[byte >> 4]!;
  bytes[at + 1] = HEX[byte & 15]!;
  return at + 2;
}

/** Bytes as hexadecimal digits: the server turns them back. */
export class HexField implements FieldWriter {
  private content: Uint8Array = new Uint8Array(0);
  private offsets: Int32Array = new Int32Array(1);

  /** @param length of every value, where the column would fill up shorter ones. @param most of any value. */
  constructor(private readonly limits: { readonly length?: number; readonly most?: number } = {}) {}

  open(column: Data): void {
    this.content = column.values as Uint8Array;
    this.offsets = column.valueOffsets as Int32Array;
  }

  room(row: number): number {
    return 2 * (this.offsets[row + 1]! - this.offsets[row]!);
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const from = this.offsets[row]!;
    const to = this.offsets[row + 1]!;
    const { length = to - from, most = Infinity } = this.limits;
    if (to - from !== length) throw new RangeError(`holds bytes that are not ${length} in number`);
    if (to - from > most) throw new RangeError(`holds more than ${most} bytes`);
    for (let index = from; index < to; index++) at = writeHex(bytes, at, this.content[index]!);
    return at;
  }
}

/** Digits 0 and 1, of which the server makes bits. */
export class BitField implements FieldWriter {
  private digits: Uint8Array = new Uint8Array(0);
  private offsets: Int32Array = new Int32Array(1);

  constructor(private readonly length: number) {}

  open(column: Data): void {
    this.digits = column.values as Uint8Array;
    this.offsets = column.valueOffsets as Int32Array;
  }

  room(row: number): number {
    return this.offsets[row + 1]! - this.offsets[row]!;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const digits = this.digits.subarray(this.offsets[row], this.offsets[row + 1]);
    if (digits.length !== this.length) throw new RangeError(`holds bits that are not ${this.length} in number`);
    bytes.set(digits, at);
    return at + digits.length;
  }
}

/** Bytes of a UUID between its dashes. */
const UUID_PARTS = [4, 2, 2, 2, 6];

export class UuidField implements FieldWriter {
  private values: DataView = new DataView(new ArrayBuffer(0));

  open(column: Data): void {
    this.values = valuesView(column);
  }

  room(): number {
    return 36;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    let from = 16 * row;
    for (const [index, count] of UUID_PARTS.entries()) {
      if (index > 0) at = writeAscii(bytes, at, "-");
      for (const end = from + count; from < end; from++) at = writeHex(bytes, at, this.values.getUint8(from));
    }
    return at;
  }
}
