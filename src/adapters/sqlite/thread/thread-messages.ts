import type { TableSchema } from "../../../model/table-schema.js";
import type { CommitId } from "../../../model/write-mode.js";
import type { JsonValue } from "../../../model/json.js";
import type { TableListing } from "../../../ports/connection.js";
import type { Settlement, StateChange } from "../../../ports/job-destination.js";
import type { WantedRows } from "../../../ports/table-source.js";
import type { DatabaseFile } from "./database-file.js";
import type { PlainFailure } from "./sqlite-failure.js";
import type { LoadRequest } from "../destination/table-load.js";
import type { WireBatch } from "./wire-batch.js";

/** What can be asked of the worker. Each request has one reply, in order. */
export type ThreadRequest =
  | { readonly do: "check"; readonly file: DatabaseFile }
  | { readonly do: "schema"; readonly file: DatabaseFile; readonly table: string }
  | { readonly do: "state"; readonly file: DatabaseFile; readonly table: string; readonly key: string }
  | { readonly do: "settle"; readonly file: DatabaseFile; readonly commitId: CommitId }
  /** Opens the transaction of one write; those below belong to it. */
  | { readonly do: "begin"; readonly file: DatabaseFile; readonly load: LoadRequest }
  | { readonly do: "insert"; readonly batch: WireBatch }
  | { readonly do: "stage"; readonly state: StateChange | null }
  | { readonly do: "commit" }
  | { readonly do: "tables"; readonly file: DatabaseFile }
  /** What a query may read of the table. */
  | { readonly do: "columns"; readonly file: DatabaseFile; readonly table: string }
  | { readonly do: "explain"; readonly file: DatabaseFile; readonly table: string; readonly wanted: WantedRows }
  /** Begins the transaction in which those below read one moment of the file. */
  | { readonly do: "look"; readonly file: DatabaseFile }
  | { readonly do: "plan"; readonly table: string; readonly wanted: WantedRows }
  /** Sends the rows of the last plan, in batches before the reply. */
  | { readonly do: "scan" }
  /** Rolls back what is not committed, and ends reading. Does nothing where nothing is under way. */
  | { readonly do: "abandon" };

/** What each request is answered with. */
export interface ThreadAnswers {
  readonly check: null;
  readonly schema: TableSchema | null;
  readonly state: JsonValue | null;
  readonly settle: Settlement;
  readonly begin: null;
  readonly insert: null;
  /** How many rows the commit will show. */
  readonly stage: number;
  readonly commit: null;
  readonly tables: readonly TableListing[];
  readonly columns: TableSchema | null;
  readonly explain: string;
  readonly look: null;
  /** What the batches hold. */
  readonly plan: TableSchema;
  /** How many rows SQLite counted. */
  readonly scan: number;
  readonly abandon: null;
}

export type ThreadReply = { readonly answer: ThreadAnswers[keyof ThreadAnswers] } | { readonly failure: PlainFailure };

/** What comes from the worker: rows of the scan that is under way, or the reply to a request. */
export type ThreadMessage = { readonly rows: WireBatch } | ThreadReply;
