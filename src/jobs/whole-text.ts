import { ValueProblem } from "./value-problem.js";

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether a text has no half of a surrogate pair. UTF-8 cannot hold one; bindings silently replace it. */
export function isWhole(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** The text itself; throws for what is not {@link isWhole whole}. */
export function assertWhole(text: string, path: string): string {
  if (isWhole(text)) return text;
  throw new ValueProblem("contains half a surrogate pair, which UTF-8 cannot hold", path);
}
