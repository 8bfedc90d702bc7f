/** A table's or column's name as SQLite reads it. The one place where a name becomes part of SQL text. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Whether a name can stand in SQL text at all: SQLite ends its reading at a NUL. */
export function canBeName(name: string): boolean {
  return name !== "" && !name.includes("\0");
}
