/**
 * The texts by which a secret may show in a message: as it is, percent-encoded, with quotes doubled, as JSON escapes it,
 * and, for the kept forms of bytes and times, as engines print them.
 */
export function secretSpellings(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const single = secret.replaceAll("'", "''");
  const double = secret.replaceAll('"', '""');
  return [secret, json, single, double, ...percentEncoded(secret), ...timeForms(secret), ...byteForms(secret)];
}

function percentEncoded(secret: string): readonly string[] {
  try {
    const encoded = encodeURIComponent(secret);
    return [encoded, encoded.replaceAll("%20", "+"), encodeURI(secret)];
  } catch {
    // A lone surrogate has no percent-encoding, so it cannot show up as one.
    return [];
  }
}

/** `2024-03-05T06:07:08Z` is printed with a space, and its zone in more than one way. */
function timeForms(secret: string): readonly string[] {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)Z?$/.exec(secret) ?? [];
  return date === undefined || time === undefined ? [] : [`${date} ${time}`, `${date}T${time}`];
}

/** Bytes are kept as padded base64 text. A text that only looks so has forms that never show. */
function byteForms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== secret) return [];
  const hex = bytes.toString("hex");
  const escaped = [...bytes].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : escape(byte))).join("");
  const utf8 = bytes.toString("utf8");
  const texts = [bytes.toString("latin1"), ...(utf8.includes("\u{FFFD}") ? [] : [utf8])];
  return [hex, hex.toUpperCase(), escaped, [...bytes].map(escape).join(""), ...texts];
}

/** As DuckDB decides. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e && !`\\'"`.includes(String.fromCharCode(byte));
}

function escape(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
