import { optionFault, type OptionRule } from "../runs/option-check.js";
import type { RetentionTimes } from "../runs/retention.js";

/** What an executor does: it takes runs, works on them, or both. */
export type ExecutorRole = "both" | "submit" | "work";

const ROLES: readonly unknown[] = ["both", "submit", "work"] satisfies readonly ExecutorRole[];

export const ROLE: OptionRule = { fits: (role) => ROLES.includes(role), wanted: '"both", "submit" or "work"' };

/** What `forever` stands for. */
export const KEEP_ALL: Required<RetentionTimes> = { succeededMs: Infinity, failedMs: Infinity, cancelledMs: Infinity };

const KEPT: OptionRule = {
  fits: (keptMs) => keptMs === Infinity || (Number.isSafeInteger(keptMs) && (keptMs as number) > 0),
  wanted: "a whole number of milliseconds from 1, or Infinity",
};

const TIMES: Readonly<Record<keyof RetentionTimes, OptionRule>> = {
  succeededMs: KEPT,
  failedMs: KEPT,
  cancelledMs: KEPT,
};

export const RETENTION: OptionRule = {
  fits: (retention) => retention === "forever" || optionFault(retention, TIMES) === null,
  wanted: '"forever" or { succeededMs?, failedMs?, cancelledMs? }, in whole milliseconds from 1, or Infinity',
};
