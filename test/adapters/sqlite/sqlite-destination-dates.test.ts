import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  TICKS,
  writeDate,
  writeInstant,
  writeTimeOfDay,
  writeTimestamp,
} from "../../../src/adapters/sqlite/destination/date-text.js";
import type { TimestampUnit } from "../../../src/model/data-type.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now());
const DAY_MS = 86_400_000;
const FIRST_MS = -719_162 * DAY_MS;
const LAST_MS = Date.UTC(9999, 11, 31) + DAY_MS - 1;

function timestampText(ticks: bigint, unit: TimestampUnit, zoned = false): string {
  const low = Number(BigInt.asUintN(32, ticks));
  const high = Number(BigInt.asIntN(32, ticks >> 32n));
  return written((bytes, at) => (zoned ? writeInstant : writeTimestamp)(bytes, at, low, high, TICKS[unit]));
}

function dateText(day: number): string {
  return written((bytes, at) => writeDate(bytes, at, day));
}

/** Among bytes that must stay as they are. */
function written(write: (bytes: Uint8Array, at: number) => number): string {
  const bytes = Buffer.alloc(64, "#");
  const end = write(bytes, 3);
  expect(bytes.toString("latin1", 0, 3)).toBe("###");
  return bytes.toString("latin1", 3, end);
}

/** The same text by JavaScript's own calendar. */
function expectedText(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.?0*Z$/, "");
}

describe(`dates and times as text (MILLRACE_SEED=${SEED})`, () => {
  it("agrees with the calendar of JavaScript from the year 1 to 9999", () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST_MS, max: LAST_MS }), (ms) => {
        expect(timestampText(BigInt(ms), "ms")).toBe(expectedText(ms));
        expect(timestampText(BigInt(ms) * 1_000n, "us")).toBe(expectedText(ms));
        expect(dateText(Math.floor(ms / DAY_MS))).toBe(expectedText(ms).slice(0, 10));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it("sorts as time does, with both infinities at their ends", () => {
    const ticks = fc.bigInt({ min: BigInt(FIRST_MS) * 1_000n, max: BigInt(LAST_MS) * 1_000n });
    fc.assert(
      fc.property(
        ticks,
        fc.oneof(ticks, fc.bigInt({ min: 0n, max: 2_000_000n })),
        fc.boolean(),
        (left, right, zoned) => {
          const near = right < 2_000_001n ? left + right - 1_000_000n : right;
          fc.pre(near >= BigInt(FIRST_MS) * 1_000n && near <= BigInt(LAST_MS) * 1_000n);
          const [a, b] = [timestampText(left, "us", zoned), timestampText(near, "us", zoned)];
          expect(a < b).toBe(left < near);
          expect(
            timestampText(-(2n ** 63n - 1n), "us", zoned) < a && a < timestampText(2n ** 63n - 1n, "us", zoned),
          ).toBe(true);
        },
      ),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it.each([
    [0n, "s", "1970-01-01 00:00:00"],
    [-1n, "s", "1969-12-31 23:59:59"],
    [-1n, "ms", "1969-12-31 23:59:59.999"],
    [-1n, "us", "1969-12-31 23:59:59.999999"],
    [-1n, "ns", "1969-12-31 23:59:59.999999999"],
    [1_500_000n, "us", "1970-01-01 00:00:01.5"],
    [1_000n, "ns", "1970-01-01 00:00:00.000001"],
    [1_000_000n, "ns", "1970-01-01 00:00:00.001"],
    [2n ** 63n - 1n, "us", "infinity"],
    [-(2n ** 63n - 1n), "ns", "-infinity"],
    [-62_135_596_800n, "s", "0001-01-01 00:00:00"],
    [253_402_300_799_999_999n, "us", "9999-12-31 23:59:59.999999"],
  ] as const)("writes %s %s as %s", (ticks, unit, text) => {
    expect(timestampText(ticks, unit)).toBe(text);
  });

  it("marks instants", () => {
    expect(timestampText(0n, "us", true)).toBe("1970-01-01 00:00:00+00:00");
    expect(timestampText(1n, "us", true)).toBe("1970-01-01 00:00:00.000001+00:00");
  });

  it.each([-62_135_596_801n, 253_402_300_800n])("refuses a year that would not sort: %s seconds", (seconds) => {
    expect(() => timestampText(seconds, "s")).toThrow(RangeError);
    expect(() => timestampText(seconds * 1_000_000n, "us")).toThrow(RangeError);
    expect(() => dateText(Number(seconds) / 86_400)).toThrow(RangeError);
  });

  it.each([
    [0n, "us", "00:00:00"],
    [86_400_000_000n, "us", "24:00:00"],
    [45_296_123_456n, "us", "12:34:56.123456"],
    [1n, "ns", "00:00:00.000000001"],
  ] as const)("writes %s %s of a day as %s", (ticks, unit, text) => {
    expect(written((bytes, at) => writeTimeOfDay(bytes, at, Number(ticks), TICKS[unit]))).toBe(text);
  });

  it.each([
    [2 ** 31 - 1, "infinity"],
    [-(2 ** 31 - 1), "-infinity"],
    [0, "1970-01-01"],
  ])("writes day %s as %s", (day, text) => {
    expect(dateText(day)).toBe(text);
  });
});
