/**
 * How texts are bound. As bytes, which the statement turns into texts: a string costs a third more, since its bytes are
 * counted first and copied twice. A file in UTF-16 would read them as such, so there they are strings.
 */
export type TextForm = "bytes" | "strings";

/** Gives the text between two places. */
export type TextCutter = (from: number, to: number) => string | Uint8Array;

/** @param text in UTF-8. */
export function textCutter({ buffer, byteOffset, byteLength }: ArrayBufferView, form: TextForm): TextCutter {
  // Not a Buffer: that takes three times as long to make.
  if (form === "bytes") return (from, to) => new Uint8Array(buffer, byteOffset + from, to - from);
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return (from, to) => bytes.toString("utf8", from, to);
}

/** Writes the text of a row, which is not null. @returns the place behind it. */
export type TextWriter = (bytes: Uint8Array, at: number, row: number) => number;

/**
 * The texts of a column's rows, written one behind the other.
 *
 * @param most how many bytes a text takes at most.
 */
export function writtenTexts(
  rows: Rows,
  most: number,
  form: TextForm,
  write: TextWriter,
): (row: number) => string | Uint8Array {
  const bytes = new Uint8Array(rows.count * most);
  const ends = new Int32Array(rows.count + 1);
  let at = 0;
  for (let row = 0; row < rows.count; row++) {
    if (!rows.isNull(row)) at = write(bytes, at, row);
    ends[row + 1] = at;
  }
  const cut = textCutter(bytes, form);
  return (row) => cut(ends[row]!, ends[row + 1]!);
}

interface Rows {
  readonly count: number;
  isNull(row: number): boolean;
}
