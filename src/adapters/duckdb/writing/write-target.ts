import type { JobError } from "../../../model/job-error.js";
import type { EngineTarget } from "../../../ports/engine-target.js";
import type { AttachedFiles } from "../attached-files.js";
import type { EngineConnection } from "../engine-connection.js";
import { type InsertableQuery, StatementWriter } from "./statement-writer.js";

/** What an instance lends a target. */
export interface WritingParts {
  /** Of its own, outside a transaction, as it is afterwards. */
  readonly connection: EngineConnection;
  readonly files: AttachedFiles;
  readonly query: InsertableQuery;
  /** Paths of the database files that the query reads. Default: none. */
  readonly reads?: ReadonlySet<string>;
  /** Each of them ends what runs. */
  readonly signals: readonly AbortSignal[];
  /** Adds to a failure of the query what its sources know of it. Needs the connection outside a transaction. */
  readonly explain: (error: JobError) => Promise<JobError>;
}

/** Lets a target write, with its file attached, and rolls back what it leaves open. */
export async function writeTarget<T>(target: EngineTarget<T>, parts: WritingParts): Promise<T> {
  const { connection, files, signals } = parts;
  const { attach } = target;
  const file = attach && (await files.lease({ path: attach.path, readOnly: false, create: true, signals }));
  let failure: unknown;
  try {
    const readsTarget = attach !== undefined && parts.reads?.has(attach.path) === true;
    return await target.write(new StatementWriter(file?.catalog ?? "", readsTarget, parts));
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    await rollBack(connection);
    await file?.release(failure);
  }
}

/** Leaves no transaction open. An interrupt that came late may hit the first statement. */
async function rollBack(connection: EngineConnection): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      await connection.execute("rollback");
      return;
    } catch (error) {
      if (/no transaction is active/.test(String(error))) return;
    }
  }
}
