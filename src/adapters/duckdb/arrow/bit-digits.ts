/**
 * The digits that stand for a BIT in Arrow, one `0` or `1` for each bit.
 *
 * DuckDB's own bytes are a count of padding bits, then the bits, highest first, behind the padding, which is all ones.
 */
export function bitDigits(bytes: Uint8Array): string {
  let digits = "";
  for (let index = 1; index < bytes.length; index++) digits += bytes[index]!.toString(2).padStart(8, "0");
  return digits.slice(bytes[0]);
}

/** The inverse of {@link bitDigits}, or undefined for a text that it never gives. */
export function bitBytes(digits: string): Uint8Array | undefined {
  if (!/^[01]+$/.test(digits)) return undefined;
  const bytes = new Uint8Array(1 + Math.ceil(digits.length / 8));
  const padding = (bytes.length - 1) * 8 - digits.length;
  const padded = "1".repeat(padding) + digits;
  bytes[0] = padding;
  for (let index = 1; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(padded.slice(index * 8 - 8, index * 8), 2);
  }
  return bytes;
}
