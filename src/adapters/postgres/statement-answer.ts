import type { PostgresClient } from "./driver.js";

export type TextRow = Readonly<Record<string, string | null>>;

/** Runs one statement with its values bound; gives its rows as text. */
export type Ask = (text: string, ...values: readonly unknown[]) => Promise<readonly TextRow[]>;

/** Not by the parsers of the driver, which the host may have changed. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

export function asking(client: PostgresClient): Ask {
  return async (text, ...values) =>
    (await client.query({ text, values: [...values], types: AS_TEXT })).rows as TextRow[];
}
