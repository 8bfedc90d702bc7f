import type { Decimal } from "apache-arrow";
import { unmovableValue } from "../unsupported-columns.js";
import { FixedWriter } from "./fixed-writer.js";

const TWO_32 = 0x1_0000_0000;
const GROUP_BASE = 10_000;
/** Below it, a number can take four digits more and stay exact. */
const EXACT_BELOW = 9e11;

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

/** Decimals, from their digits. What has more digits than the type keeps is refused by the column's name. */
export class DecimalWriter extends FixedWriter<Int32Array<ArrayBuffer>> {
  private readonly scale: number;
  private readonly precision: number;
  /** Groups of four digits behind the point, of which the last may be cut short, to so many digits. */
  private readonly fractionGroups: number;
  private readonly lastBase: number;
  /** What a magnitude must be below, lowest word first. */
  private readonly limit: Uint32Array;
  /** The magnitude so far: as a number, and from where that is no longer exact on in words, lowest first. */
  private small = 0;
  private isWide = false;
  private readonly words = new Uint32Array(4);

  /** @param column the name of the table's column, for messages. */
  constructor(
    type: Decimal,
    private readonly column: string,
  ) {
    super(type, Int32Array, 4);
    this.scale = type.scale;
    this.precision = type.precision;
    this.fractionGroups = Math.ceil(type.scale / 4);
    this.lastBase = 10 ** (type.scale % 4 || 4);
    const limit = 10n ** BigInt(type.precision);
    this.limit = Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number(BigInt.asUintN(32, limit >> shift)));
  }

  /**
   * A number in groups of four digits, each a big-endian 16-bit integer.
   *
   * @param weight the first group counts 10,000 to the power of this.
   */
  appendGroups(source: DataView, at: number, count: number, weight: number, isNegative: boolean): void {
    const last = -this.fractionGroups;
    for (let power = weight, place = at, end = at + 2 * count; power >= last; power--, place += 2) {
      const group = place < end ? source.getUint16(place) : 0;
      if (power > last || last === 0) this.push(GROUP_BASE, group);
      else {
        const cut = GROUP_BASE / this.lastBase;
        if (group % cut !== 0) throw this.tooFine();
        this.push(this.lastBase, group / cut);
      }
    }
    const kept = Math.max(0, weight - last + 1);
    for (let group = kept; group < count; group++) if (source.getUint16(at + 2 * group) !== 0) throw this.tooFine();
    this.store(isNegative);
  }

  /** A number as its digits in ASCII, with a sign and a point or without: `-12.50`. Anything else is refused. */
  appendDigits(source: Uint8Array, start: number, end: number): void {
    let at = start;
    const sign = source[at];
    if (sign === MINUS || sign === PLUS) at += 1;
    let digits = 0;
    let decimals = -1;
    for (; at < end; at++) {
      const digit = source[at]! - ZERO;
      if (source[at] === POINT && decimals < 0) decimals = 0;
      else if (digit < 0 || digit > 9) throw this.refused("is no decimal number");
      else {
        digits += 1;
        if (decimals >= this.scale) {
          if (digit !== 0) throw this.tooFine();
        } else {
          this.push(10, digit);
          if (decimals >= 0) decimals += 1;
        }
      }
    }
    if (digits === 0) throw this.refused("is no decimal number");
    for (let decimal = Math.max(0, decimals); decimal < this.scale; decimal++) this.push(10, 0);
    this.store(sign === MINUS);
  }

  append(text: string): void {
    const digits = Buffer.from(text);
    this.appendDigits(digits, 0, digits.length);
  }

  /** Puts a digit, or a group of them, behind the magnitude. */
  private push(base: number, digit: number): void {
    if (!this.isWide) {
      if (this.small < EXACT_BELOW) {
        this.small = this.small * base + digit;
        return;
      }
      this.spill();
    }
    const { words } = this;
    let carry = digit;
    for (let word = 0; word < 4; word++) {
      const product = words[word]! * base + carry;
      words[word] = product;
      carry = Math.floor(product / TWO_32);
    }
    if (carry > 0) throw this.tooLarge();
  }

  private spill(): void {
    this.isWide = true;
    this.words[0] = this.small;
    this.words[1] = Math.floor(this.small / TWO_32);
    this.words[2] = 0;
    this.words[3] = 0;
  }

  private store(isNegative: boolean): void {
    if (!this.isWide) this.spill();
    this.isWide = false;
    this.small = 0;
    const { words, limit } = this;
    if (!isBelow(words, limit)) throw this.tooLarge();
    const row = this.rows.append();
    if (4 * row >= this.values.length) this.reach(row);
    const { values } = this;
    let carry = isNegative ? 1 : 0;
    for (let word = 0; word < 4; word++) {
      const turned = isNegative ? TWO_32 - 1 - words[word]! + carry : words[word]!;
      values[4 * row + word] = turned;
      carry = turned >= TWO_32 ? 1 : 0;
    }
  }

  private tooLarge(): Error {
    return this.refused(`has more digits before the point than DECIMAL(${this.precision},${this.scale}) keeps`);
  }

  private tooFine(): Error {
    return this.refused(`has more decimals than DECIMAL(${this.precision},${this.scale}) keeps`);
  }

  private refused(reason: string): Error {
    return unmovableValue(this.column, `a value ${reason}`);
  }
}

function isBelow(words: Uint32Array, limit: Uint32Array): boolean {
  for (let word = 3; word >= 0; word--) if (words[word] !== limit[word]) return words[word]! < limit[word]!;
  return false;
}
