/** Why a value cannot be a row's, as the end of a sentence that begins with where it stands. */
export class RowProblem extends Error {}

/** Whether an object is made of keys and values and nothing else. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
