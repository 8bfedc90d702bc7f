/** A name as SQL spells it. Every identifier that the engine writes passes here. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The name that {@link quoteIdentifier} quoted. */
export function unquoted(identifier: string): string {
  return identifier.slice(1, -1).replaceAll('""', '"');
}

/** A text literal. For what the engine and its connections say themselves, never for a value of a run (law 6). */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A list of text literals. */
export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(", ")}]`;
}

/** Names with a text each, as the functions that read files take the types of columns. */
export function quoteRecord(entries: readonly (readonly [name: string, text: string])[]): string {
  return `{${entries.map(([name, text]) => `${quoteText(name)}: ${quoteText(text)}`).join(", ")}}`;
}
