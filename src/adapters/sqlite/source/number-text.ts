/** More digits of a decimal number do not come back from a float of 64 bits. */
const EXACT_DIGITS = 15;

/**
 * The digits of a number without an exponent, such as `-12.5`; undefined for a float that may stand for several decimal
 * numbers, or for none.
 */
export function digitsOf(value: bigint | number): string | undefined {
  if (typeof value === "bigint") return value.toString();
  if (!Number.isFinite(value)) return undefined;
  const [mantissa = "", exponent = "0"] = Math.abs(value).toString().split("e");
  const [whole = "", decimals = ""] = mantissa.split(".");
  const digits = whole + decimals;
  const significant = digits.replace(/^0+/, "").replace(/0+$/, "");
  if (significant.length > EXACT_DIGITS) return undefined;
  const point = whole.length + Number(exponent);
  const padded = digits.padStart(digits.length + Math.max(0, -point), "0").padEnd(point, "0");
  const at = Math.max(0, point);
  const behind = padded.slice(at).replace(/0+$/, "");
  return `${value < 0 ? "-" : ""}${padded.slice(0, at) || "0"}${behind === "" ? "" : `.${behind}`}`;
}

/** A float in the fewest digits that stand for it and no other; a whole one keeps a point, as in SQLite's own text. */
export function realText(value: number): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
