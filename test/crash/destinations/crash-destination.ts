import type { Connection } from "../../../src/ports/connection.js";

/** A system that a crash trial writes into. */
export interface CrashDestination {
  /** Why it cannot be had on this machine; undefined: it can. */
  missing?(): string | undefined;
  /** Makes it ready for this process and its children, before any trial; resolves to what ends it. */
  start?(): Promise<() => Promise<void>>;
  /** As the first process and the second open it: the connection `out`, whose table `rows` is written. */
  connect(folder: string): Connection;
  /** How many rows each tag has in it, found without the adapter, when no process uses it any more. */
  countByTag(folder: string): Promise<ReadonlyMap<string, number>>;
}
