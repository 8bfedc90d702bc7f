import { types } from "node:util";
import { kindOf } from "../jobs/plain-value.js";
import { didYouMean } from "../jobs/nearest-name.js";

/** What stands against an option: its name, or null for the options as a whole, and why. */
export interface OptionFault {
  readonly option: string | null;
  /** As the end of a sentence: `must be a whole number`. */
  readonly message: string;
}

export interface OptionRule {
  readonly fits: (value: unknown) => boolean;
  /** What fits, in words. */
  readonly wanted: string;
}

/**
 * The first fault of an object of options, or null. What is `undefined` counts as left out, and only own and inherited
 * properties named in `rules` are known. Takes anything: a host in plain JavaScript may pass what it likes.
 */
export function optionFault(options: unknown, rules: Readonly<Record<string, OptionRule>>): OptionFault | null {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return { option: null, message: `must be an object, not ${kindOf(options)}` };
  }
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(rules, name) && given[name] !== undefined) {
      const known = Object.keys(rules);
      return { option: name, message: `does not exist.${didYouMean(name, known)} There are: ${known.join(", ")}` };
    }
  }
  for (const name in rules) {
    const value = given[name];
    if (value === undefined || rules[name]?.fits(value)) continue;
    const shown = typeof value === "number" ? String(value) : kindOf(value);
    return { option: name, message: `must be ${rules[name]?.wanted ?? "left out"}, not ${shown}` };
  }
  return null;
}

export function wholeNumber(min: number, max: number, what = "a whole number"): OptionRule {
  return {
    fits: (value) => typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
    wanted: `${what} from ${min} to ${max}`,
  };
}

export const VALID_DATE: OptionRule = {
  fits: (value) => types.isDate(value) && !Number.isNaN(value.getTime()),
  wanted: "a valid Date",
};

export const ABORT_SIGNAL: OptionRule = { fits: isAbortSignal, wanted: "an AbortSignal" };

// Not by `instanceof`: polyfills and other realms make signals too.
function isAbortSignal(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { aborted, addEventListener, removeEventListener, throwIfAborted } = value as Partial<AbortSignal>;
  return (
    typeof aborted === "boolean" &&
    [addEventListener, removeEventListener, throwIfAborted].every((method) => typeof method === "function")
  );
}
