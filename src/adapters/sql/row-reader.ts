import { isJobError } from "../../model/job-error.js";
import type { Logger } from "../../ports/logger.js";

/** Reads rows that somebody may have changed by hand: what cannot be read is told of, once, and passed over. */
export class RowReader {
  readonly #told = new Set<string>();

  constructor(private readonly logger: Logger | undefined) {}

  /** Undefined: there is nothing in it; or it cannot be read, which is told. */
  read<Row, T>(row: Row, readRow: (row: Row) => T | undefined): T | undefined {
    try {
      return readRow(row);
    } catch (error) {
      if (!isJobError(error, "store_unavailable")) throw error;
      if (!this.#told.has(error.message)) this.logger?.warn("The ledger passes a row over.", { reason: error.message });
      this.#told.add(error.message);
      return undefined;
    }
  }

  /** What is in rows, at most `limit`. */
  all<Row, T>(rows: Iterable<Row>, readRow: (row: Row) => T | undefined, limit = Infinity): readonly T[] {
    const found: T[] = [];
    // Ends as a loop also when nothing is asked for: rows may come from a statement that is then set free.
    for (const row of rows) {
      if (found.length >= limit) break;
      const value = this.read(row, readRow);
      if (value !== undefined) found.push(value);
    }
    return found;
  }
}
