import type { MysqlValue } from "../driver.js";

export type Bound = string | number | null | readonly unknown[];

/** Values as the driver takes them: text, and lists as JSON, as the bytes of UTF-8, which no connection's character set changes. */
export function boundValues(given: readonly unknown[]): {
  readonly values: readonly MysqlValue[];
  readonly bytes: number;
} {
  const values = given.map(boundValue);
  const sizes = values.map((value) => (Buffer.isBuffer(value) ? value.length : 9));
  return { values, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function boundValue(value: unknown): Buffer | number | null {
  if (Array.isArray(value)) return Buffer.from(JSON.stringify(value));
  if (typeof value === "string") return Buffer.from(value);
  if (typeof value === "number" || value === null) return value;
  throw new TypeError(`A statement of the ledger cannot be given ${typeof value}.`);
}
