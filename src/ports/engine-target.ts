/**
 * A table that a query engine can write by itself: the counterpart of {@link EngineRelation}.
 *
 * Promise: a destination hands one to {@link RowStream.into}, so that its rows never reach JavaScript (the third door).
 * All statements of one target run one after another on one connection of the engine, outside any transaction that the
 * target does not begin itself. Whatever the target leaves open when `write` settles, the engine rolls back.
 */
export interface EngineTarget<T> {
  /** The engine's `dialect`: a stream whose engine speaks another has no third door for this target. */
  readonly dialect: string;
  /** A database file that the statements write. The engine attaches it for as long as `write` takes. */
  readonly attach?: { readonly path: string };
  write(writer: EngineWriter): Promise<T>;
}

/** The engine's hand in {@link EngineTarget.write}. Every call rejects once the stream's signal is aborted before the permit. */
export interface EngineWriter {
  /** The quoted name under which the file of `attach` is reachable; empty without one. */
  readonly catalog: string;
  /** Whether the query reads the file of `attach`: it then sees what statements before {@link writeRows} changed there. */
  readonly readsTarget: boolean;
  /** Runs statements that give no rows. */
  execute(sql: string): Promise<void>;
  /** Runs one statement and gives its few rows as plain JSON. */
  read(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /**
   * Runs `before (<the query>) after` with the query's values bound, once: its one answer is complete or it rejects, so the
   * end of the rows is proven (law 3).
   */
  writeRows(before: string, after: string): Promise<WrittenRows>;
}

export interface WrittenRows {
  /** How many rows the query gave. */
  readonly rows: number;
  /** What the statement itself gave: the files of a `copy … (return_files)`, for instance. */
  readonly result: readonly Readonly<Record<string, unknown>>[];
}
