import { JobError } from "../../../model/job-error.js";

/** The host has a transaction open on the connection that it lent us. It is awaited, and never joined. */
export class HostTransactionOpen extends Error {
  readonly code = "SQLITE_BUSY_HOST";
}

/** The code of an error that SQLite gave: `SQLITE_BUSY`, `SQLITE_IOERR_WRITE`, …; undefined for any other error. */
function sqliteCode(error: unknown): string | undefined {
  // What the driver says while the host steps through the rows of a statement of its own.
  if (error instanceof TypeError && error.message.includes("busy executing a query")) return "SQLITE_BUSY_HOST";
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return error.code.startsWith("SQLITE_") ? error.code : undefined;
}

/** Whether another connection holds a lock that is given back soon. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith("SQLITE_BUSY") ?? false;
}

/** What a ledger answers for an error of the driver or of the file system. */
export function ledgerFailure(path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === "SQLITE_NOTADB") return notALedger(path, "is not a SQLite database", error);
  const known = HINTS.find(([prefix]) => code.startsWith(prefix));
  if (!known && code.startsWith("SQLITE_CONSTRAINT")) {
    const hint = "A value that no ledger takes came through the port. Please report it.";
    return new JobError("internal_error", {
      message: `The ledger ${path} refused a row (${code}).`,
      hint,
      cause: error,
    });
  }
  const message = `The ledger ${path} could not be read or written (${code}).`;
  const init = { message, hint: known?.[1] ?? "See the cause.", cause: error };
  // SQLite says no after it has taken the act back; what the file system says may come after the commit.
  const nothingStored = sqliteCode(error) !== undefined && !code.startsWith("SQLITE_IOERR");
  return new JobError("store_unavailable", { ...init, ...(nothingStored && { nothingStored }) });
}

/** The file holds something else, which a ledger must not touch. */
export function notALedger(path: string, what: string, cause?: unknown): JobError {
  const hint =
    "Give a path of its own: a new file, or a ledger with this tablePrefix. For a file of the host: besideOtherTables: true.";
  return new JobError("store_incompatible", { message: `${path} ${what}.`, hint, cause });
}

/** What a store answers when it is asked while it is closed. */
export function notOpen(path: string): JobError {
  const hint = "Start the executor, or call open() on the store; after close() a store takes no more calls.";
  return new JobError("store_unavailable", { message: `The ledger ${path} is not open.`, hint, nothingStored: true });
}

const HINTS: readonly (readonly [codePrefix: string, hint: string])[] = [
  ["SQLITE_BUSY_HOST", "The host kept a transaction or a query open on its connection. Keep transactions short."],
  ["SQLITE_BUSY", "Another process holds the ledger's write lock for long. Do not use its file for other data."],
  ["SQLITE_FULL", "The disk is full. Free some space; nothing of this act was stored."],
  ["ENOSPC", "The disk is full. Free some space; nothing of this act was stored."],
  ["SQLITE_READONLY", "The file or its folder may not be written. Check their owner and mode, and the mount."],
  ["SQLITE_CANTOPEN", "The path must be a file, or be free, in a folder that this user may write."],
  ["SQLITE_CORRUPT", "The file is damaged. Keep a copy, then restore a backup or try `sqlite3 <file> .recover`."],
  ["SQLITE_IOERR", "The disk or the file system failed. A ledger must lie on a local disk."],
  ["SQLITE_NOMEM", "The process is out of memory."],
  ["EACCES", "This user may not make the ledger's folder. Check the owner and mode of the folders above."],
  ["EPERM", "This user may not make the ledger's folder. Check the owner and mode of the folders above."],
  ["EROFS", "The file system is read-only. Give the ledger a path on a writable one."],
  ["ENOTDIR", "A part of the path is a file. Give the ledger a path whose folders exist or can be made."],
  ["EEXIST", "A part of the path is a file. Give the ledger a path whose folders exist or can be made."],
];

function codeOf(error: unknown): string | undefined {
  const code = sqliteCode(error);
  if (code !== undefined) return code;
  const isSystemError = error instanceof Error && "syscall" in error && "code" in error;
  return isSystemError && typeof error.code === "string" ? error.code : undefined;
}
