/** A signed 64-bit integer, little-endian. */
export function integerOf(view: DataView, at: number): bigint {
  return view.getBigInt64(at, true);
}

/** A 128-bit integer, little-endian. */
export function hugeintOf(view: DataView, at: number, signed: boolean): bigint {
  const low = view.getBigUint64(at, true);
  const high = signed ? view.getBigInt64(at + 8, true) : view.getBigUint64(at + 8, true);
  return (high << 64n) | low;
}

const BIGNUM_HEADER_BYTES = 3;
const NOT_NEGATIVE = 0x80;

/** DuckDB's BIGNUM: a header of three bytes, whose top bit is the sign, then the magnitude; all inverted when negative. */
export function bignumOf(bytes: Uint8Array): bigint {
  const negative = ((bytes[0] ?? NOT_NEGATIVE) & NOT_NEGATIVE) === 0;
  let hex = "0x0";
  for (const byte of bytes.subarray(BIGNUM_HEADER_BYTES))
    hex += ((negative ? ~byte : byte) & 0xff).toString(16).padStart(2, "0");
  return negative ? -BigInt(hex) : BigInt(hex);
}
