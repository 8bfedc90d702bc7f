import type { IdSource } from "../ports/ids.js";

/** Ids `run-0001`, `run-0002`, … and a fixed jitter, so that a test can name what it expects. */
export class SequentialIds implements IdSource {
  #count = 0;

  /**
   * @param prefix stands before the number. Default `run`.
   * @param jitter what `random` gives, from 0 up to 1. Default 0.5.
   */
  constructor(
    private readonly prefix = "run",
    private readonly jitter = 0.5,
  ) {}

  next(): string {
    this.#count += 1;
    return `${this.prefix}-${String(this.#count).padStart(4, "0")}`;
  }

  random(): number {
    return this.jitter;
  }
}
