/** A name as SQL spells it. Every identifier that the engine writes passes here. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal. For what the engine and its connections say themselves, never for a value of a run (law 6). */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
