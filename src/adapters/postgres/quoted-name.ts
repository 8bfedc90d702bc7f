/** A name as Postgres reads it: the place where a name becomes part of SQL text. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Postgres cuts longer names, with no more than a notice. */
const MOST_BYTES = 63;

/** Whether a table or a column can have this name. */
export function canBeName(name: string): boolean {
  return name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= MOST_BYTES;
}
