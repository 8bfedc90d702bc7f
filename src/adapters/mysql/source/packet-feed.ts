import { BufferBin } from "../../arrow/buffer-bin.js";

/** Of the driver: it is given what the socket receives, without compression. */
export interface PacketParser {
  execute(received: Buffer): unknown;
}

/** Who is given the packets. */
export interface PacketTakers {
  /**
   * Takes rows of the binary protocol: those that lie between `starts` and `ends`, whose bytes are others afterwards.
   *
   * @param count how many they are.
   */
  rows(bytes: Buffer, starts: Int32Array, ends: Int32Array, count: number): void;
  /** Takes any other packet, with its header. */
  other(packet: Buffer): void;
}

/** The length, and a number which rises by one with each packet. */
const HEADER_BYTES = 4;
const SEQUENCE = 3;
/** A packet of this length goes on in the next one. */
const LONGEST = 0xff_ffff;
const ROW = 0x00;

const FIRST_BYTES = 1 << 18;
/** What is given to the taker at once. */
const MOST_ROWS = 4_096;
const MOST_BYTES = 1 << 16;

/**
 * Parts what a server sends into packets, in place of the driver's own parser: rows are found many at a time, and go to their
 * taker. The driver, which counts the packets, is not told of them: the numbers of the others are made to fit.
 */
export class PacketFeed implements PacketParser {
  /** Whether a packet that begins with a zero is a row now, and no answer of another kind. */
  areRows = false;
  /** Of the packets that were rows. */
  private taken = 0;
  /** What has come and is not taken yet: it begins with a packet. */
  private bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private length = 0;
  private readonly starts = new Int32Array(MOST_ROWS);
  private readonly ends = new Int32Array(MOST_ROWS);

  private readonly bin = new BufferBin();

  constructor(private readonly takers: PacketTakers) {}

  execute(received: Buffer): void {
    this.append(received);
    this.bin.freeBytes(received);
    let at = 0;
    for (let next = this.next(at); next > at; next = this.next(at)) at = next;
    this.bytes.copyWithin(0, at, this.length);
    this.length -= at;
  }

  private append(received: Buffer): void {
    const length = this.length + received.length;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    this.bytes.set(received, this.length);
    this.length = length;
  }

  /** Takes the packets that begin here, or the one, and gives where the next begins: here, when none is complete. */
  private next(from: number): number {
    const end = this.areRows ? this.shortRows(from) : from;
    return end > from ? end : this.packet(from);
  }

  private shortRows(from: number): number {
    const { bytes, starts, ends } = this;
    const last = Math.min(this.length, from + MOST_BYTES);
    let at = from;
    let count = 0;
    while (at < last && count < MOST_ROWS && at + HEADER_BYTES < this.length && bytes[at + HEADER_BYTES] === ROW) {
      const length = this.lengthAt(at);
      const end = at + HEADER_BYTES + length;
      if (length === 0 || length === LONGEST || end > this.length) break;
      starts[count] = at + HEADER_BYTES + 1;
      ends[count++] = end;
      at = end;
    }
    if (count > 0) {
      this.taken += count;
      this.takers.rows(bytes, starts, ends, count);
    }
    return at;
  }

  /** One packet, of any length. */
  private packet(from: number): number {
    const { bytes } = this;
    let parts = 0;
    let next = from;
    for (let length = LONGEST; length === LONGEST; parts++) {
      if (next + HEADER_BYTES > this.length) return from;
      length = this.lengthAt(next);
      next += HEADER_BYTES + length;
      if (next > this.length) return from;
    }
    if (this.areRows && bytes[from + HEADER_BYTES] === ROW) {
      this.taken += parts;
      this.longRow(from, next);
    } else {
      for (let at = from; at < next; at += HEADER_BYTES + this.lengthAt(at)) bytes[at + SEQUENCE]! -= this.taken;
      // The driver may keep it.
      this.takers.other(Buffer.from(bytes.subarray(from, next)));
    }
    return next;
  }

  /** Joins the parts of a row. */
  private longRow(from: number, next: number): void {
    const { bytes, starts, ends } = this;
    let end = from + HEADER_BYTES + LONGEST;
    for (let at = end; at < next;) {
      const length = this.lengthAt(at);
      bytes.copyWithin(end, at + HEADER_BYTES, at + HEADER_BYTES + length);
      end += length;
      at += HEADER_BYTES + length;
    }
    starts[0] = from + HEADER_BYTES + 1;
    ends[0] = end;
    this.takers.rows(bytes, starts, ends, 1);
  }

  private lengthAt(at: number): number {
    const { bytes } = this;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  }
}
