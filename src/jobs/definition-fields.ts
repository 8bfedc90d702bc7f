import type { DefinitionProblems } from "./definition-problems.js";
import { didYouMean } from "./nearest-name.js";
import { kindOf, plainProperties } from "./plain-value.js";
import { ValueProblem } from "./value-problem.js";

/**
 * Reads one object of a definition. What is wrong is put down, and a stand-in returned, so that reading goes on. A key
 * that is `undefined` counts as absent.
 */
export class DefinitionFields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #path: string;
  readonly #problems: DefinitionProblems;

  /** @param known the keys that there are; undefined for any. */
  constructor(value: unknown, path: string, known: readonly string[] | undefined, problems: DefinitionProblems) {
    this.#path = path;
    this.#problems = problems;
    this.#values = readProperties(value, path, problems);
    for (const key of this.#values.keys()) {
      if (known?.includes(key) === false) {
        problems.add(this.at(key), `is no part of a definition.${didYouMean(key, known)}`);
      }
    }
  }

  /** The path of a key. */
  at(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  add(key: string, message: string): void {
    this.#problems.add(this.at(key), message);
  }

  integer(key: string, range: { readonly min: number; readonly max: number; readonly otherwise: number }): number {
    const value = this.get(key);
    if (value === undefined) return range.otherwise;
    if (typeof value === "number" && Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    this.add(key, `must be a whole number from ${range.min} to ${range.max}${notNumber(value)}`);
    return range.otherwise;
  }

  number(key: string, range: { readonly min: number; readonly max: number; readonly otherwise: number }): number {
    const value = this.get(key);
    if (value === undefined) return range.otherwise;
    if (typeof value === "number" && value >= range.min && value <= range.max) return value;
    this.add(key, `must be a number from ${range.min} to ${range.max}${notNumber(value)}`);
    return range.otherwise;
  }

  flag(key: string): boolean | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.add(key, `must be true or false, not ${kindOf(value)}`);
    return undefined;
  }

  choice<const C extends string>(key: string, choices: readonly C[]): C | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const choice = choices.find((one) => one === value);
    if (choice === undefined) {
      const meant = typeof value === "string" ? didYouMean(value, choices) : "";
      this.add(key, `must be ${choices.map((one) => `"${one}"`).join(" or ")}.${meant}`);
    }
    return choice;
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "string") return value;
    this.add(key, `must be a string, not ${kindOf(value)}`);
    return undefined;
  }
}

function notNumber(value: unknown): string {
  return typeof value === "number" ? "" : `, not ${kindOf(value)}`;
}

function readProperties(value: unknown, path: string, problems: DefinitionProblems): ReadonlyMap<string, unknown> {
  try {
    return new Map([...plainProperties(value)].filter(([, part]) => part !== undefined));
  } catch (thrown) {
    if (!(thrown instanceof ValueProblem)) throw thrown;
    problems.add(`${path}${thrown.path}`.replace(/^\./, ""), thrown.message);
    return new Map();
  }
}
