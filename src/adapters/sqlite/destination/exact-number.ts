/** The integer in consecutive little-endian 32-bit words, two's complement when `signed`. */
export function integerOfWords(words: Uint32Array, first: number, count: number, signed: boolean): bigint {
  let value = 0n;
  for (let index = count - 1; index >= 0; index--) value = (value << 32n) | BigInt(words[first + index]!);
  return signed ? BigInt.asIntN(count * 32, value) : value;
}

/** An unscaled integer as a decimal with `scale` digits behind the point: 12345 and 2 give `123.45`. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}
