import { Cron } from "croner";
import { JobError } from "../../model/job-error.js";
import type { Clock } from "../../ports/clock.js";
import type { Scheduler, ScheduleTrigger } from "../../ports/scheduler.js";

/** Firing times by croner; wake-ups by the clock. croner's own timers are not used. */
export class CronerScheduler implements Scheduler {
  #wake: (() => void) | null = null;
  #callOff: () => void = () => undefined;

  constructor(private readonly clock: Clock) {}

  /** @throws JobError `invalid_definition`, with the part of the trigger at fault in `field`. */
  nextFireTime(trigger: ScheduleTrigger, after: number): number | undefined {
    switch (trigger.kind) {
      case "cron":
        return cron(trigger).nextRun(new Date(after))?.getTime();
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
}

function nextInterval({ everyMs, anchor }: ScheduleTrigger & { kind: "interval" }, after: number): number {
  if (!Number.isSafeInteger(everyMs) || everyMs < 1) {
    throw new JobError("invalid_definition", {
      message: `An interval must be a whole number of milliseconds, not ${everyMs}.`,
      hint: "Give at least 1.",
      field: "everyMs",
    });
  }
  return anchor + (Math.floor((after - anchor) / everyMs) + 1) * everyMs;
}

function cron({ expression, timeZone }: ScheduleTrigger & { kind: "cron" }): Cron {
  try {
    // Reading the zone here refuses an unknown one under its own field.
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw invalid(
      "timeZone",
      `There is no time zone "${timeZone}"`,
      'Use a name of the IANA database, such as "Europe/Paris".',
    );
  }
  try {
    return new Cron(expression, { timezone: timeZone, paused: true });
  } catch (cause) {
    throw invalid(
      "expression",
      `"${expression}" is no cron expression`,
      "Write 5 or 6 fields, as in 0 6 * * 1-5.",
      cause,
    );
  }
}

function invalid(field: string, message: string, hint: string, cause?: unknown): JobError {
  return new JobError("invalid_definition", { message, hint, field, ...(cause !== undefined && { cause }) });
}
