/** One key column of a batch, as bytes that can be sent to another thread. */
export type KeyColumn =
  | { readonly kind: "fixed"; readonly width: number; readonly bytes: Uint8Array }
  | { readonly kind: "bits"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "texts"; readonly offsets: Int32Array; readonly bytes: Uint8Array };

/** What all rows of a write say about their keys. */
export interface KeyFinding {
  /** How many rows have the key of an earlier one. */
  readonly duplicates: number;
  /** The first such key, a part for each column. */
  readonly example?: readonly Uint8Array[];
  /** The numbers of the rows that a later one replaces, in order. */
  readonly superseded: Int32Array;
}

const EMPTY = -1;
const FIRST_SLOTS = 1 << 16;
const TEXT_LENGTH_BYTES = 4;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Finds rows of one key, by comparing bytes and not only hashes. It looks at each row alone, and therefore runs in a thread
 * of its own (law 8). Memory: the bytes of all keys, and 12 to 24 bytes for each row.
 */
export class KeyIndex {
  #slots = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #hashes = new Int32Array(FIRST_SLOTS);
  /** Where each row's key begins in `#bytes`; one more than there are rows. */
  #starts = new Uint32Array(FIRST_SLOTS + 1);
  #bytes = new Uint8Array(1 << 20);
  #rows = 0;
  #used = 0;
  #example: number | undefined;
  readonly #superseded: number[] = [];
  /** Of each key column, in bytes; undefined for texts. */
  #widths: readonly (number | undefined)[] = [];

  add(columns: readonly KeyColumn[], rows: number): void {
    this.#widths = columns.map(widthOf);
    this.#reserveRows(rows);
    for (let row = 0; row < rows; row++) {
      this.#append(columns, row);
      this.#insert(this.#rows++);
    }
  }

  finish(): KeyFinding {
    const superseded = Int32Array.from(this.#superseded).sort();
    if (this.#example === undefined) return { duplicates: 0, superseded };
    let at = this.#starts[this.#example]!;
    const example = this.#widths.map((width) => {
      if (width === undefined) at += TEXT_LENGTH_BYTES;
      const length = width ?? new DataView(this.#bytes.buffer).getUint32(at - TEXT_LENGTH_BYTES, true);
      at += length;
      return this.#bytes.slice(at - length, at);
    });
    return { duplicates: superseded.length, example, superseded };
  }

  #append(columns: readonly KeyColumn[], row: number): void {
    for (const column of columns) {
      if (column.kind === "fixed") {
        this.#copy(column.bytes, row * column.width, (row + 1) * column.width);
      } else if (column.kind === "bits") {
        const bit = column.offset + row;
        this.#reserveBytes(1);
        this.#bytes[this.#used++] = (column.bytes[bit >> 3]! >> (bit & 7)) & 1;
      } else {
        const [from, to] = [column.offsets[row]!, column.offsets[row + 1]!];
        this.#reserveBytes(TEXT_LENGTH_BYTES);
        // The length first: otherwise ("ab", "c") and ("a", "bc") would be one key.
        for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#used++] = (to - from) >>> shift;
        this.#copy(column.bytes, from, to);
      }
    }
    this.#starts[this.#rows + 1] = this.#used;
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    this.#reserveBytes(to - from);
    for (let at = from; at < to; at++) this.#bytes[this.#used++] = source[at]!;
  }

  #insert(row: number): void {
    const hash = this.#hash(row);
    this.#hashes[row] = hash;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let other = this.#slots[slot]!; other !== EMPTY; other = this.#slots[slot]!) {
      if (this.#hashes[other] === hash && this.#isSame(other, row)) {
        this.#superseded.push(other);
        this.#example ??= row;
        break;
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = row;
  }

  #hash(row: number): number {
    let hash = FNV_OFFSET;
    const end = this.#starts[row + 1]!;
    for (let at = this.#starts[row]!; at < end; at++) hash = Math.imul(hash ^ this.#bytes[at]!, FNV_PRIME);
    // FNV's low bits are weak for short keys, and only they choose the slot.
    return hash ^ (hash >>> 15);
  }

  #isSame(left: number, right: number): boolean {
    const start = this.#starts[left]!;
    const shift = this.#starts[right]! - start;
    const end = this.#starts[left + 1]!;
    if (this.#starts[right + 1]! - end !== shift) return false;
    for (let at = start; at < end; at++) if (this.#bytes[at] !== this.#bytes[at + shift]) return false;
    return true;
  }

  /** Room for the rows, in a table that stays at least half empty. */
  #reserveRows(rows: number): void {
    const needed = this.#rows + rows;
    if (needed + 1 > this.#starts.length) {
      this.#starts = grown(this.#starts, needed + 1);
      this.#hashes = grown(this.#hashes, needed + 1);
    }
    if (2 * needed <= this.#slots.length) return;
    let size = this.#slots.length;
    while (size < 2 * needed) size *= 2;
    const live = this.#slots.filter((row) => row !== EMPTY);
    this.#slots = new Int32Array(size).fill(EMPTY);
    for (const row of live) {
      let slot = this.#hashes[row]! & (size - 1);
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = row;
    }
  }

  #reserveBytes(bytes: number): void {
    if (this.#used + bytes > this.#bytes.length) this.#bytes = grown(this.#bytes, this.#used + bytes);
  }
}

function widthOf(column: KeyColumn): number | undefined {
  if (column.kind === "texts") return undefined;
  return column.kind === "bits" ? 1 : column.width;
}

function grown<T extends Uint8Array | Uint32Array | Int32Array>(array: T, needed: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(needed, 2 * array.length));
  larger.set(array);
  return larger;
}
