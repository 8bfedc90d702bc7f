import { constants } from "node:buffer";
import { resolve } from "node:path";
import { isMainThread } from "node:worker_threads";
import { JobError } from "../../model/job-error.js";
import type { Connection, ConnectionCapabilities, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { TableSource } from "../../ports/table-source.js";
import { LanceDestination } from "./lance-destination.js";
import { LanceFolder } from "./lance-folder.js";
import { LanceSource } from "./lance-source.js";
import { Maintenance, type MaintenanceOptions } from "./maintenance.js";

export interface LanceOptions {
  /**
   * The largest commit in bytes, as Arrow. Default 512 MiB, at most 4 GiB. Lance wants a commit in one piece, and takes
   * about three times as much memory for it; a larger result is refused before anything is visible.
   */
  readonly maxCommitBytes?: number;
  /** How long a write waits for another writer of its table, in milliseconds. Default 60,000. */
  readonly lockWaitMs?: number;
  /** Default: none. */
  readonly maintenance?: MaintenanceOptions;
}

const DEFAULT_COMMIT_BYTES = 512 * 1024 * 1024;
const LEAST_COMMIT_BYTES = 64 * 1024;
/** Node 20 has no larger buffers. */
const LARGEST_COMMIT_BYTES = Math.min(constants.MAX_LENGTH, 4 * 1024 ** 3);
const DEFAULT_LOCK_WAIT_MS = 60_000;

/**
 * The Lance tables in a local folder, to be read and written. The folder is made by the first write; its parent must be
 * there. What Millrace knows of its commits stands in `_millrace` beside the tables. In a worker thread it is read only.
 *
 * @param folder relative to the working directory of this call.
 * @throws JobError `invalid_definition`
 */
export function lance(folder: string, options: LanceOptions = {}): Connection {
  if (folder === "" || folder.includes("\0") || /^[a-z][a-z0-9+.-]+:\/\//i.test(folder)) {
    throw invalid("folder", "lance() needs the path of a local folder.", "Other stores cannot be written safely yet.");
  }
  const { maxCommitBytes = DEFAULT_COMMIT_BYTES, lockWaitMs = DEFAULT_LOCK_WAIT_MS, maintenance = {} } = options;
  if (!isWithin(maxCommitBytes, LEAST_COMMIT_BYTES, LARGEST_COMMIT_BYTES)) {
    throw invalid(
      "maxCommitBytes",
      `maxCommitBytes is ${maxCommitBytes}.`,
      `Give a whole number from ${LEAST_COMMIT_BYTES} to ${LARGEST_COMMIT_BYTES}.`,
    );
  }
  if (!isWithin(lockWaitMs, 0, Number.MAX_SAFE_INTEGER)) {
    throw invalid("lockWaitMs", `lockWaitMs is ${lockWaitMs}.`, "Give a whole number of milliseconds.");
  }
  for (const [name, least] of [
    ["optimizeEvery", 1],
    ["keepVersionsMs", 0],
  ] as const) {
    const value = maintenance[name];
    if (value !== undefined && !isWithin(value, least, Number.MAX_SAFE_INTEGER)) {
      throw invalid(`maintenance.${name}`, `maintenance.${name} is ${value}.`, `Give a whole number from ${least}.`);
    }
  }
  return new LanceConnection(new LanceFolder(resolve(folder)), { maxCommitBytes, lockWaitMs }, maintenance);
}

class LanceConnection implements Connection {
  readonly capabilities: ConnectionCapabilities = {
    kind: "lance",
    read: true,
    // Lance commits on threads of its own. They outlive a worker that is terminated, whose lock is freed: what was settled as
    // never there could still land.
    write: isMainThread ? "transactional" : "read_only",
    ...(!isMainThread && {
      writeHint: "Lance is written from the main thread of a process only: run the executor there.",
    }),
    tables: "named",
  };
  readonly #maintenance: Maintenance;

  constructor(
    private readonly folder: LanceFolder,
    private readonly limits: { readonly maxCommitBytes: number; readonly lockWaitMs: number },
    maintenance: MaintenanceOptions,
  ) {
    this.#maintenance = new Maintenance(folder, maintenance);
  }

  source(table: string): TableSource | undefined {
    return canBeTable(table) ? new LanceSource(this.folder, table) : undefined;
  }

  destination(table: string): JobDestination | undefined {
    return canBeTable(table) ? new LanceDestination(this.folder, table, this.limits, this.#maintenance) : undefined;
  }

  async listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    signal.throwIfAborted();
    const names = (await this.folder.tables()).filter(canBeTable);
    signal.throwIfAborted();
    return names.map((name) => ({ name, kind: "table" }));
  }

  check(): Promise<void> {
    return this.folder.check();
  }

  async close(): Promise<void> {
    await this.#maintenance.settled();
    await this.folder.close();
  }
}

/** Lance's own rule, which it keeps by a crash of its thread; and no name that is a path. */
function canBeTable(name: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/.test(name);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

function invalid(field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { field, message, hint });
}
