/**
 * Time, given from outside (law 11). Nothing in Millrace reads another clock or sets another timer, so a test that moves
 * this one moves everything.
 */
export interface Clock {
  /** Now, in milliseconds since 1970 UTC. */
  now(): number;
  /** Calls `fire` once, `delayMs` from now; the returned function calls it off. */
  after(delayMs: number, fire: () => void): () => void;
}
