/** A stretch of time in which a zone keeps one offset from UTC, or a part of one. All in milliseconds. */
export interface ZoneStretch {
  readonly from: number;
  /** Not included. */
  readonly to: number;
  /** What is added to UTC for the wall clock. */
  readonly offset: number;
  /** The offset just before `from`, and the one at `to`. */
  readonly offsetBefore: number;
  readonly offsetAfter: number;
}

const DAY = 86_400_000;

/** The changes of a zone's offset, found by asking `Intl`, year by year as they are needed. */
export class ZoneOffsets {
  readonly #format: Intl.DateTimeFormat;
  readonly #years = new Map<number, readonly ZoneStretch[]>();

  /** @throws RangeError for a zone that the system does not know. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  }

  stretchAt(time: number): ZoneStretch {
    const year = new Date(time).getUTCFullYear();
    let stretches = this.#years.get(year);
    if (stretches === undefined) {
      stretches = this.#stretchesOf(year);
      this.#years.set(year, stretches);
    }
    return stretches.find(({ to }) => time < to) ?? stretches[stretches.length - 1]!;
  }

  offsetAt(time: number): number {
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = OFFSET.exec(this.#format.format(time)) ?? [];
    const size = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
    return (sign === "-" ? -size : size) * 1_000;
  }

  #stretchesOf(year: number): readonly ZoneStretch[] {
    const end = Date.UTC(year + 1, 0, 1);
    const stretches: ZoneStretch[] = [];
    let from = Date.UTC(year, 0, 1);
    let offsetBefore = this.offsetAt(from - 1);
    while (from < end) {
      const offset = this.offsetAt(from);
      const to = this.#changeIn(from, end, offset);
      stretches.push({ from, to, offset, offsetBefore, offsetAfter: this.offsetAt(to) });
      offsetBefore = offset;
      from = to;
    }
    return stretches;
  }

  /** When the offset is another for the first time; `end` when it stays. No zone ever changed twice within a day. */
  #changeIn(from: number, end: number, offset: number): number {
    let same = from;
    let other = from;
    do {
      if (other === end) return end;
      same = other;
      other = Math.min(other + DAY, end);
    } while (this.offsetAt(other) === offset);
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (this.offsetAt(middle) === offset) same = middle;
      else other = middle;
    }
    return other;
  }
}

const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;
