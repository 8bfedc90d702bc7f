/** No number needs more, and taking one apart takes time. */
const LONGEST = 100;

/** Whether a number's text says what the number prints: `1.10` does, and neither `0.1234567890123456789` nor `1e999`. */
export function keepsDigits(text: string, value: number): boolean {
  if (!Number.isFinite(value)) return /\.(inf|nan)$/i.test(text);
  return text.length <= LONGEST && normalForm(text) === normalForm(String(value));
}

/** Digits without zeros around them, and the power of ten of the last; the sign is never lost. */
function normalForm(text: string): string {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().replace(/^[-+]/, "").split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  return kept === "" ? "0" : `${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}
