import { totalmem } from "node:os";
import { JobError } from "../../model/job-error.js";

/** Options of {@link DuckDBEngine}. */
export interface DuckDBEngineOptions {
  /** A DuckDB file that holds the engine's own working tables. Default: they are in memory. */
  readonly path?: string;
  /** Threads that work on queries, all runs together; one more stands by. Default: one for each core. */
  readonly threads?: number;
  /**
   * Memory for all queries together, as DuckDB writes it (`"512MB"`, `"4GiB"`): what does not fit lies on disk meanwhile. Default:
   * a quarter of the machine's, or of what this process may have of it, or 512 MiB if that is more, but no more than half of it.
   */
  readonly memoryLimit?: string;
  /** Disk for what does not fit in memory, as DuckDB writes it. Default: 90 % of what is free. */
  readonly tempLimit?: string;
  /** The folder for it; made when it is first needed. Default: DuckDB's own choice beside `path`, or `.tmp`. */
  readonly tempDirectory?: string;
}

/** @throws JobError `invalid_definition`, with `field`. */
export function checkEngineOptions(options: DuckDBEngineOptions): DuckDBEngineOptions {
  const { path, threads, memoryLimit, tempLimit, tempDirectory } = options;
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads > 0)) {
    throw refusedOption("threads", "must be a whole number above 0");
  }
  for (const [field, value] of Object.entries({ memoryLimit, tempLimit })) {
    if (value !== undefined && !SIZE.test(value)) {
      throw refusedOption(field, 'must be a size such as "512MB" or "4GiB"');
    }
  }
  for (const [field, value] of Object.entries({ path, tempDirectory })) {
    if (value === undefined) continue;
    if (typeof value !== "string" || value === "" || value.includes("\0")) {
      throw refusedOption(field, "must be a path");
    }
    if (/^[a-z][a-z0-9+.-]+:/i.test(value)) throw refusedOption(field, "must be a path on this machine, not a URL");
  }
  return options;
}

/**
 * The host needs the rest: DuckDB by itself would take four fifths of the machine.
 *
 * @param mostBytes of the machine, or of the container around the process.
 */
export function defaultMemoryLimit(mostBytes = memoryHere()): string {
  const mib = mostBytes / MIB;
  return `${Math.floor(Math.max(mib / 4, Math.min(LEAST_MEMORY_MIB, mib / 2)))}MiB`;
}

function memoryHere(): number {
  // Zero, or more than there is, where nothing constrains the process.
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

const MIB = 1_048_576;
const LEAST_MEMORY_MIB = 512;

const SIZE = /^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/i;

function refusedOption(field: string, reason: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message: `The option ${field} of DuckDBEngine ${reason}.`,
    hint: "See the docstrings of DuckDBEngineOptions.",
    field,
  });
}
