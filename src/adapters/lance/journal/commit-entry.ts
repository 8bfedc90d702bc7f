import type { WriteModeKind } from "../../../model/write-mode.js";
import type { StateChange } from "../../../ports/job-destination.js";

/** What is written down before a commit is tried, so that whoever comes next can find out what became of it. */
export interface CommitEntry {
  readonly commitId: string;
  readonly mode: WriteModeKind;
  /** The newest version before it; null when there was no table. */
  readonly base: number | null;
  /** How many rows the table has got when it has landed. */
  readonly rows: number;
  readonly proof: CommitProof;
  readonly state?: StateChange;
}

/**
 * Where the commit leaves its id. `schema`: in the schema's metadata, by making or overwriting the table. `column`: in
 * the first of its rows. `version`: nowhere, since the table has no such column. `none`: the table is not touched, and
 * the entry itself is the commit.
 */
export type CommitProof = "schema" | "column" | "version" | "none";

export type CommitOutcome =
  | { readonly state: "committed"; readonly version: number }
  | { readonly state: "never" }
  | { readonly state: "in_doubt"; readonly reason: string };

/** What is known of a commit. One that was settled before it was tried has no entry. */
export interface CommitRecord {
  readonly commitId: string;
  readonly entry?: CommitEntry;
  readonly outcome: CommitOutcome;
}
