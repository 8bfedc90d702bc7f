import { createHash } from "node:crypto";
import type { CompiledQuery, RawBuilder } from "kysely";

/** A statement with its values named: what it is given by, and what its rows hold. */
export interface Statement<Given extends object, Row> {
  readonly text: string;
  /** Names the text, so that a server prepares it once for each connection. */
  readonly name: string;
  readonly keys: readonly (keyof Given & string)[];
  /** Only says what the rows hold. */
  readonly row?: Row;
}

/** A value in a statement, and the type that the server takes it for. */
export type Value<Given> = (key: keyof Given & string, type: string) => RawBuilder<unknown>;

/** Compiles a statement whose values are bound when it is run. */
export function statement<Given extends object, Row>(
  raw: (text: string) => RawBuilder<unknown>,
  compile: (query: RawBuilder<unknown>) => CompiledQuery,
  build: (value: Value<Given>) => RawBuilder<unknown>,
): Statement<Given, Row> {
  const keys: (keyof Given & string)[] = [];
  const query = build((key, type) => {
    if (!keys.includes(key)) keys.push(key);
    return raw(`$${keys.indexOf(key) + 1}::${type}`);
  });
  const { sql: text } = compile(query);
  return { text, name: `millrace_${createHash("sha256").update(text).digest("hex").slice(0, 20)}`, keys };
}
