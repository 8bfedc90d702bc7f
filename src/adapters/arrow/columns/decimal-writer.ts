import type { Decimal } from "apache-arrow";
import { unmovableValue } from "../unsupported-columns.js";
import { FixedWriter } from "./fixed-writer.js";

const TWO_32 = 0x1_0000_0000;
const GROUP_BASE = 10_000;
/** How many ASCII digits are taken together, as one digit of this base: so many fit behind a word and stay exact. */
const DIGITS_BASE = 1_000_000;

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
  private readonly smallLimit: number;
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
    this.smallLimit = 10 ** type.precision;
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
    let group = 0;
    let base = 1;
    for (; at < end; at++) {
      const digit = source[at]! - ZERO;
      if (source[at] === POINT && decimals < 0) decimals = 0;
      else if (digit < 0 || digit > 9) throw this.refused("is no decimal number");
      else {
        digits += 1;
        if (decimals >= this.scale) {
          if (digit !== 0) throw this.tooFine();
          continue;
        }
        if (decimals >= 0) decimals += 1;
        group = group * 10 + digit;
        base *= 10;
        if (base === DIGITS_BASE) {
          this.push(base, group);
          group = 0;
          base = 1;
        }
      }
    }
    if (digits === 0) throw this.refused("is no decimal number");
    this.push(base, group);
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
      const next = this.small * base + digit;
      if (next <= Number.MAX_SAFE_INTEGER) {
        this.small = next;
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
    const { words, small } = this;
    if (this.isWide ? !isBelow(words, this.limit) : small >= this.smallLimit) throw this.tooLarge();
    const row = this.rows.append();
    if (4 * row >= this.values.length) this.reach(row);
    const { values } = this;
    this.small = 0;
    if (!this.isWide) {
      const value = isNegative ? -small : small;
      const high = Math.floor(value / TWO_32);
      values[4 * row] = value;
      values[4 * row + 1] = high;
      values[4 * row + 2] = values[4 * row + 3] = high < 0 ? -1 : 0;
      return;
    }
    this.isWide = false;
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
