import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Connection as Lance } from "@lancedb/lancedb";
import { lance, type LanceOptions } from "../../../src/adapters/lance/entry.js";
import type { PlainRow } from "../../../src/model/batch-values.js";
import type { Connection } from "../../../src/ports/connection.js";
import type { JobDestination, Settlement } from "../../../src/ports/job-destination.js";
import { readPlainly } from "./read-plainly.js";

/** A folder of Lance tables of its own, and plain lancedb beside the adapter. */
export interface LakeFolder extends AsyncDisposable {
  readonly path: string;
  readonly connection: Connection;
  destination(table?: string): JobDestination;
  settle(commitId: string, table?: string): Promise<Settlement>;
  /** The rows by plain lancedb, without the hidden column. */
  read(table?: string): Promise<PlainRow[] | null>;
  /** The ids of sample rows, in order. */
  ids(table?: string): Promise<readonly number[] | null>;
  /** Another writer, who knows nothing of Millrace. */
  plain(): Promise<Lance>;
}

export const NEVER_ABORTED = new AbortController().signal;

export async function lakeFolder(options: LanceOptions = {}): Promise<LakeFolder> {
  const path = await mkdtemp(join(tmpdir(), "millrace-lance-"));
  const connection = lance(path, options);
  const opened: Lance[] = [];
  const destination = (table = "results"): JobDestination => {
    const found = connection.destination?.(table);
    if (found === undefined) throw new Error(`there is no destination "${table}"`);
    return found;
  };
  return {
    path,
    connection,
    destination,
    settle: (commitId, table) => destination(table).settleCommit(commitId, NEVER_ABORTED),
    read: (table = "results") => readPlainly(path, table),
    ids: async (table = "results") => {
      const rows = await readPlainly(path, table);
      return rows && rows.map((row) => Number(row["id"])).sort((left, right) => left - right);
    },
    plain: async () => {
      const database = await connect(path);
      opened.push(database);
      return database;
    },
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      for (const database of opened) database.close();
      await rm(path, { recursive: true, force: true });
    },
  };
}
