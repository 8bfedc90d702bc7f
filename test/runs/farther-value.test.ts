import { expect, it } from "vitest";
import type { StateDeclaration } from "../../src/model/job-definition.js";
import { fartherValue } from "../../src/runs/farther-value.js";

const far = (type: StateDeclaration["type"], take: "max" | "min", left: string | number, right: string | number) =>
  fartherValue({ name: "n", column: "n", initial: 0, type, take }, left, right);

it.each<[StateDeclaration["type"], string | number, string | number]>([
  [{ kind: "integer", bits: 32, signed: true }, -2, 10],
  [{ kind: "integer", bits: 64, signed: true }, 9, "9223372036854775807"],
  [{ kind: "integer", bits: 128, signed: true }, "-100000000000000000000", "-99999999999999999999"],
  [{ kind: "float", bits: 64 }, -0.5, 1e300],
  [{ kind: "decimal", precision: 18, scale: 2 }, "-12.50", "9.00"],
  [{ kind: "decimal", precision: 18, scale: 2 }, "-0.02", "-0.01"],
  [{ kind: "date" }, "0999-12-31", "2020-01-01"],
  [{ kind: "timestamp", unit: "us", zoned: false }, "2020-01-01 10:00:00", "2020-01-01 10:00:00.000001"],
  [{ kind: "text" }, "\uFFFD", "\u{1F986}"],
])("knows which of two values of %j lies farther", (type, less, more) => {
  for (const [left, right] of [
    [less, more],
    [more, less],
  ] as const) {
    expect(far(type, "max", left, right)).toBe(more);
    expect(far(type, "min", left, right)).toBe(less);
  }
  expect(far(type, "max", more, more)).toBe(more);
});
