import type { ParameterValue } from "../model/job-definition.js";
import { kindOf, type PlainValue } from "./plain-value.js";
import { ValueProblem } from "./value-problem.js";

/** Whether a whole number fits a two's-complement (`signed`) or an unsigned integer of so many bits. */
export function fitsBits(value: bigint, bits: number, signed: boolean): boolean {
  return (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
}

/** Only types of 64 bits and more take text: a JSON number cannot carry all their values. */
export function fitInteger(value: PlainValue, bits: number, signed: boolean, path: string): ParameterValue {
  const whole = wholeNumber(value, bits > 32, path);
  if (!fitsBits(whole, bits, signed)) throw new ValueProblem("is out of the type's range", path);
  return wholeToJson(whole);
}

export function fitBignum(value: PlainValue, path: string): ParameterValue {
  const kept = wholeToJson(wholeNumber(value, true, path));
  if (WHOLE.test(String(kept))) return kept;
  throw new ValueProblem("has more than 10,000 digits", path);
}

// Reading the text of a number takes time that grows with the square of its length.
const WHOLE = /^-?\d{1,10000}$/;

function wholeNumber(value: PlainValue, takesText: boolean, path: string): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return BigInt(value);
    throw new ValueProblem(
      Number.isInteger(value)
        ? "is beyond 2⁵³ − 1, where a number stands for several: give a bigint"
        : "needs a whole number",
      path,
    );
  }
  if (takesText && typeof value === "string") {
    if (WHOLE.test(value)) return BigInt(value);
    throw new ValueProblem("needs text of digits only", path);
  }
  throw new ValueProblem(`needs a whole number, not ${kindOf(value)}`, path);
}

function wholeToJson(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

// JSON has no words for these.
const UNWRITABLE = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["-0", -0],
]);

export function fitFloat(value: PlainValue, bits: 32 | 64, path: string): ParameterValue {
  const number = typeof value === "string" ? UNWRITABLE.get(value) : exactDouble(value);
  if (number === undefined) throw new ValueProblem(`needs a number, not ${kindOf(value)}`, path);
  const kept = bits === 32 ? Math.fround(number) : number;
  if (Number.isFinite(number) && (!Number.isFinite(kept) || (kept === 0 && number !== 0))) {
    throw new ValueProblem("is out of the range of 32 bits", path);
  }
  if (Object.is(kept, -0)) return "-0";
  return Number.isFinite(kept) ? kept : String(kept);
}

// A list of numbers and bigints is one of DOUBLE, if each of them can be one.
function exactDouble(value: PlainValue): number | undefined {
  if (typeof value === "bigint" && BigInt(Number(value)) === value) return Number(value);
  return typeof value === "number" ? value : undefined;
}

export function fitDecimal(value: PlainValue, precision: number, scale: number, path: string): ParameterValue {
  const { negative, digits, point } = decimalParts(value, path);
  const whole = digits.slice(0, point).replace(/^0+/, "");
  const fraction = digits.slice(point).replace(/0+$/, "");
  if (fraction.length > scale) throw new ValueProblem(`has more than ${scale} digits behind the point`, path);
  if (whole.length > precision - scale) {
    throw new ValueProblem(`has more than ${precision - scale} digits before the point`, path);
  }
  const magnitude = `${whole || "0"}${scale > 0 ? `.${fraction.padEnd(scale, "0")}` : ""}`;
  return negative && /[1-9]/.test(magnitude) ? `-${magnitude}` : magnitude;
}

/** All digits, and how many of them stand before the point. */
function decimalParts(value: PlainValue, path: string): { negative: boolean; digits: string; point: number } {
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "string") {
    throw new ValueProblem(`needs a number or its text, not ${kindOf(value)}`, path);
  }
  // Only what JavaScript itself prints has an exponent: at most 308, so that no text can ask for endless zeros.
  const pattern =
    typeof value === "string" ? /^(-?)(\d{1,100})(?:\.(\d{1,100}))?$/ : /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;
  const match = pattern.exec(String(value));
  if (match === null) throw new ValueProblem("needs a decimal number, as 12.50", path);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const shift = Number(exponent);
  const digits = "0".repeat(Math.max(0, -shift)) + whole + fraction + "0".repeat(Math.max(0, shift));
  return { negative: sign === "-", digits, point: whole.length + Math.max(0, -shift) + shift };
}
