import { JobError } from "../../model/job-error.js";
import type { CronTrigger, IntervalTrigger, Trigger } from "../../model/trigger.js";
import type { Clock } from "../../ports/clock.js";
import type { Scheduler } from "../../ports/scheduler.js";
import { cronExpression } from "./cron-expression.js";
import { nextCronTime, type NextWallTime } from "./cron-times.js";
import { ZoneOffsets } from "./zone-offsets.js";

/** Parsed expressions, and zones, that are kept: making one takes a hundred times as long as using it. */
const KEPT = 1_000;

/**
 * Firing times by croner; wake-ups by the clock.
 *
 * croner only says when a wall clock matches. What becomes of times that a zone's wall clock leaves out or shows twice is
 * decided here, as the trigger says. croner's own timers are not used.
 */
export class CronerScheduler implements Scheduler {
  #wake: (() => void) | null = null;
  #callOff: () => void = () => undefined;
  readonly #expressions = new Map<string, NextWallTime>();
  readonly #zones = new Map<string, ZoneOffsets>();

  constructor(private readonly clock: Clock) {}

  nextFireTime(trigger: Trigger, after: number): number | undefined {
    switch (trigger.kind) {
      case "cron":
        return this.#nextCron(trigger, after);
      case "interval":
        return nextInterval(trigger, after);
      case "once":
        return trigger.at > after ? trigger.at : undefined;
    }
  }

  start(wake: () => void): void {
    this.#wake = wake;
  }

  wakeAt(time: number | undefined): void {
    this.#callOff();
    if (time === undefined || this.#wake === null) return;
    const wake = this.#wake;
    this.#callOff = this.clock.after(Math.max(0, time - this.clock.now()), wake);
  }

  stop(): void {
    this.#callOff();
    this.#wake = null;
  }

  #nextCron(trigger: CronTrigger, after: number): number | undefined {
    const zone = kept(this.#zones, trigger.timeZone, zoneOf);
    const next = kept(this.#expressions, trigger.expression, expressionOf);
    return nextCronTime(trigger, next, zone, Math.floor(after) + 1);
  }
}

function nextInterval({ everyMs, anchor, from }: IntervalTrigger, after: number): number {
  if (!Number.isSafeInteger(everyMs) || everyMs < 1) {
    throw invalid("everyMs", `An interval must be a whole number of milliseconds, not ${everyMs}`, "Give at least 1.");
  }
  if (from === "completion") return after + everyMs;
  return anchor + (Math.floor((after - anchor) / everyMs) + 1) * everyMs;
}

function zoneOf(timeZone: string): ZoneOffsets {
  try {
    return new ZoneOffsets(timeZone);
  } catch {
    throw invalid(
      "timeZone",
      `There is no time zone "${timeZone}"`,
      'Use a name of the IANA database, such as "Europe/Paris".',
    );
  }
}

function expressionOf(expression: string): NextWallTime {
  const fields = expression.trim().split(/\s+/).length;
  // croner takes more: seven fields, with years, and single dates.
  if (!expression.startsWith("@") && fields !== 5 && fields !== 6) {
    throw invalid("expression", `"${expression}" has ${fields} fields`, "Write 5 or 6 fields, as in 0 6 * * 1-5.");
  }
  try {
    return cronExpression(expression);
  } catch (cause) {
    throw invalid(
      "expression",
      `"${expression}" is no cron expression`,
      "Write 5 or 6 fields, as in 0 6 * * 1-5.",
      cause,
    );
  }
}

function kept<T>(all: Map<string, T>, key: string, make: (key: string) => T): T {
  let value = all.get(key);
  if (value === undefined) {
    value = make(key);
    if (all.size >= KEPT) all.clear();
    all.set(key, value);
  }
  return value;
}

function invalid(field: string, message: string, hint: string, cause?: unknown): JobError {
  return new JobError("invalid_definition", {
    message: `${message}.`,
    hint,
    field,
    ...(cause !== undefined && { cause }),
  });
}
