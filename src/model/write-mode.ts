/**
 * How rows meet what the table holds. `append` adds; `overwrite` replaces the whole content, also by nothing;
 * `upsert` replaces the rows with the same keys and adds the others.
 */
export type WriteMode =
  | { readonly kind: "append" }
  | { readonly kind: "overwrite" }
  | {
      readonly kind: "upsert";
      readonly keys: readonly [string, ...string[]];
      /** Two rows of one run with the same key: refused, or the later one counts. Default: `refuse`. */
      readonly onDuplicate?: "refuse" | "keepLast";
    };

export type WriteModeKind = WriteMode["kind"];

/** The identity of one all-or-nothing write, stored by the destination with the data. */
export type CommitId = string;

/** The proof that a commit is in the destination. */
export interface CommitReceipt {
  readonly commitId: CommitId;
  readonly rowsWritten: number;
  /** The destination's own number for what it now shows (a Lance version); null where it has none. */
  readonly snapshotId: string | null;
}
