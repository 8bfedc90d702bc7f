import { causeChain } from "../model/job-error.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import { within } from "../runs/waiting.js";

/** A part that does not close in this time is left behind. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Something, and how it is closed. */
type Part = readonly [part: object, close: () => Promise<void>];

/** Closes everything that can be closed, and tells of what cannot. */
export async function closeParts(parts: readonly Part[], clock: Clock, logger: Logger): Promise<void> {
  const close = async ([part, closePart]: Part): Promise<void> => {
    try {
      if ((await within(clock, CLOSE_TIMEOUT_MS, closePart())) !== "late") return;
      logger.warn("Something did not close in time.", { part: part.constructor.name, timeoutMs: CLOSE_TIMEOUT_MS });
    } catch (error) {
      logger.warn("Something could not be closed.", { part: part.constructor.name, message: causeChain(error) });
    }
  };
  await Promise.all(parts.map(close));
}
