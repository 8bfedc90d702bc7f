import type { TableSchema } from "../../../model/table-schema.js";
import type { CommitId } from "../../../model/write-mode.js";
import type { JsonValue } from "../../../model/json.js";
import type { Settlement, StateChange } from "../../../ports/job-destination.js";
import type { PlainFailure } from "./sqlite-failure.js";
import type { LoadRequest } from "./table-load.js";
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
  /** Rolls back what is not committed. Does nothing where there is no write. */
  | { readonly do: "abandon" };

export interface DatabaseFile {
  readonly path: string;
  readonly readOnly: boolean;
}

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
  readonly abandon: null;
}

export type ThreadReply = { readonly answer: ThreadAnswers[keyof ThreadAnswers] } | { readonly failure: PlainFailure };
