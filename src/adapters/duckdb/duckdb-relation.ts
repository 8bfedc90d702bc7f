import type { BadValue } from "./exact-column.js";
import type { EngineRelation } from "../../ports/table-source.js";

/** Runs a statement of the connection's own and gives its rows. */
export type Look = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** A relation that can say more exactly what it is at the moment. */
export interface DuckDBRelation extends EngineRelation {
  /**
   * `from` with everything in it that DuckDB would otherwise find out by reading the files: DuckDB binds a query twice,
   * the second time on the event loop's thread.
   */
  pin?(look: Look): Promise<string>;
  /** Where a value of its files stands that could not be read, in words; undefined when it is none of its files. */
  locate?(bad: BadValue, look: Look): Promise<string | undefined>;
}
