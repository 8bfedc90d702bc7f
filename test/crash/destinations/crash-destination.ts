/** A system that a crash trial writes into, as the trial itself sees it. */
export interface CrashDestination {
  /** Why it cannot be had on this machine; undefined: it can. */
  missing?(): string | undefined;
  /** Makes it ready for this process and its children, before any trial; resolves to what ends it. */
  start?(): Promise<() => Promise<void>>;
  /** Makes the place of one trial, where the folder itself is not that. */
  prepare?(folder: string): Promise<void>;
  /** How many rows each tag has in it, found without the adapter, when no process uses it any more. */
  countByTag(folder: string): Promise<ReadonlyMap<string, number>>;
}
