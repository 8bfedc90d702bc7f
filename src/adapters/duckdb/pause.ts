/** About a tenth of a millisecond of turns: a tiny query is over by then. */
const TURNS = 64;

/**
 * Waits between two looks at a query: first only for the event loop to turn, then up to 5 ms.
 */
export function pause(round: number): Promise<void> {
  const delayMs = Math.min(5, Math.floor((round - TURNS) / 8) + 1);
  return delayMs <= 0 ? new Promise((resolve) => void setImmediate(resolve)) : sleep(delayMs);
}

/**
 * Waits between two looks at something that nobody tells about.
 *
 * Not the Clock: this is no time that means anything, and under a clock that stands still the query must go on.
 */
export function sleep(delayMs: number): Promise<void> {
  // eslint-disable-next-line no-restricted-globals -- see above
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
