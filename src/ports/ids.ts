/** Where identities and randomness come from (law 11). */
export interface IdSource {
  /** A new identity: unique over all processes, of letters, digits, `-` and `_` only. */
  next(): string;
  /** A number from 0 up to 1, for jitter. */
  random(): number;
}
