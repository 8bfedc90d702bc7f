/**
 * A text constant as Postgres reads it, whatever `standard_conforming_strings` says: the place where a value becomes part
 * of SQL text. Only `COPY` needs it, which takes no bound values.
 *
 * @throws TypeError for a text with a NUL, which Postgres does not have.
 */
export function quotedLiteral(text: string): string {
  if (text.includes("\0")) throw new TypeError("a NUL has no place in a constant");
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}
