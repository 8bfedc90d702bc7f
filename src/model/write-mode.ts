/**
 * How rows meet what the table holds. `append` adds; `overwrite` replaces the whole content, also by nothing. The others
 * go by keys, in which no row may have a null: `upsert` replaces the row with the same key and adds the others;
 * `deleteInsert` deletes all rows with a key of the run's rows and adds the run's, which may share keys; `insertOnly` adds
 * the rows whose key the table does not have, and leaves out the others.
 */
export type WriteMode =
  | { readonly kind: "append" }
  | { readonly kind: "overwrite" }
  | {
      readonly kind: "upsert";
      readonly keys: KeyColumns;
      /** Two rows of one run with the same key: refused, or the later one counts. Default: `refuse`. */
      readonly onDuplicate?: "refuse" | "keepLast";
    }
  | { readonly kind: "deleteInsert"; readonly keys: KeyColumns }
  | {
      readonly kind: "insertOnly";
      readonly keys: KeyColumns;
      /** Two rows of one run with the same key: refused, or the earlier one counts. Default: `refuse`. */
      readonly onDuplicate?: "refuse" | "keepFirst";
    };

/** The columns that tell rows apart, together. */
export type KeyColumns = readonly [string, ...string[]];

export type WriteModeKind = WriteMode["kind"];
export type KeyedMode = Extract<WriteMode, { readonly keys: KeyColumns }>;

/** The columns by which a mode finds rows; none for a mode that looks at no row. */
export function keysOf(mode: WriteMode): readonly string[] {
  return isKeyed(mode) ? mode.keys : [];
}

/** What becomes of several rows of one run with one key. */
export function onRepeatedKey(mode: KeyedMode): "refuse" | "keepFirst" | "keepLast" | "keepAll" {
  return mode.kind === "deleteInsert" ? "keepAll" : (mode.onDuplicate ?? "refuse");
}

export function isKeyed(mode: WriteMode): mode is KeyedMode {
  return "keys" in mode;
}

/** The identity of one all-or-nothing write, stored by the destination with the data. */
export type CommitId = string;

/** The proof that a commit is in the destination. */
export interface CommitReceipt {
  readonly commitId: CommitId;
  /** How many rows of the run are in the table. */
  readonly rowsWritten: number;
  /** The destination's own number for what it now shows (a Lance version); null where it has none. */
  readonly snapshotId: string | null;
}
