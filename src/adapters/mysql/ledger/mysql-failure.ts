import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { UNENCRYPTED } from "../mysql-config.js";

/**
 * What a ledger answers for an error of the driver or of the server.
 *
 * @param secrets are in no message.
 * @param nothingStored whether the act provably did not happen.
 */
export function ledgerFailure(
  ledger: string,
  secrets: readonly string[],
  error: unknown,
  nothingStored: boolean,
): unknown {
  if (isJobError(error)) return error;
  const number = numberOf(error);
  const code = number ?? codeOf(error);
  const reason = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), causeChain(error));
  const known = HINTS.find(([codes]) => code !== undefined && codes.includes(code));
  if (number !== undefined && REFUSED_ROWS.has(number)) {
    const hint = "A value that no ledger takes came through the port. Please report it.";
    return new JobError("internal_error", { message: `The ledger ${ledger} refused a row (${number}).`, hint });
  }
  const message = `The ledger ${ledger} could not be read or written: ${reason}${code === undefined ? "" : ` (${code})`}.`;
  const hint = known?.[1] ?? "The server or the network failed. Acts under way may or may not have been stored.";
  const retryable = code === undefined || !LASTING.has(code);
  return new JobError("store_unavailable", { message, hint, retryable, ...(nothingStored && { nothingStored }) });
}

/** Whether a row with one of these unique values is there already. */
export function isTaken(error: unknown): boolean {
  return numberOf(error) === 1062;
}

/** Whether another transaction held a lock for longer than this one would wait. */
export function isLockedOut(error: unknown): boolean {
  const number = numberOf(error);
  return number === 1205 || number === 3572;
}

/** Whether the server took the whole transaction back for the sake of another one. Then its savepoint is gone, too. */
export function isConflict(error: unknown): boolean {
  const number = numberOf(error);
  return number === 1213 || number === 1305;
}

/** Whether the connection is gone, or the server takes nothing more from it. */
export function isConnectionLost(error: unknown): boolean {
  if (isJobError(error)) return false;
  const number = numberOf(error);
  return number === undefined || GONE.has(number);
}

/** Whether the same act may be asked again at once, because the server took it back or never got to its commit. */
export function mayAskAgain(error: unknown, isCommitting: boolean): boolean {
  const timedOut = codeOf(error) === "PROTOCOL_SEQUENCE_TIMEOUT" || codeOf(error) === "ETIMEDOUT";
  return isConflict(error) || isLockedOut(error) || (isConnectionLost(error) && !isCommitting && !timedOut);
}

/** Stopping, killed, timed out while idle, and what it says of a broken connection. */
const GONE: ReadonlySet<number> = new Set([1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031]);

/** Too long, null, out of range, no JSON, against a check. */
const REFUSED_ROWS: ReadonlySet<number> = new Set([1048, 1062, 1264, 1406, 3140, 3819, 4025, 4038]);

/** What stays so until somebody changes it. */
const LASTING: ReadonlySet<number | string> = new Set<number | string>([
  ...[1044, 1045, 1049, 1054, 1064, 1142, 1146, 1153, 1193, 1227, 1290, 1286, 1665, 1698, 1792, 1836],
  ...["ER_NOT_SUPPORTED_AUTH_MODE", "ERR_MODULE_NOT_FOUND", "HANDSHAKE_SSL_ERROR", "HANDSHAKE_NO_SSL_SUPPORT"],
]);

const HINTS: readonly (readonly [codes: readonly (number | string)[], hint: string])[] = [
  [[1045, 1698], "Check the user, its password, and from which hosts it may connect."],
  [[1049], "The server has no database of this name. Make it, correct the url, or let the store migrate."],
  [
    [1044, 1142, 1227],
    "This user lacks a right: it reads and writes the ledger's tables, and makes them when it migrates.",
  ],
  [[1146], "A table of the ledger is not there: it was dropped, or this is another database."],
  [[1054], "A table of the ledger lacks a column: somebody changed it by hand, or it is not the ledger's."],
  [[1290, 1792, 1836], "This server takes no writes: a replica. Connect to the primary."],
  [[1021, 1114, 3], "The server's disk is full. Free some space; nothing of this act was stored."],
  [[1040, 1203], "The server has no connection left. Use fewer processes, a smaller pool, or raise max_connections."],
  [[1153], "Raise max_allowed_packet of the server, or give the run less: a file's path instead of its rows."],
  [[1193], "The server does not know a setting. The ledger needs MySQL 8.0.19 or MariaDB 10.8, or newer."],
  [
    [1665],
    "The server's binlog_format is STATEMENT, with which no transaction of a ledger can be logged. Set MIXED or ROW.",
  ],
  [[1205, 3572], "Another transaction holds a lock for long. Keep transactions that submit runs short."],
  [["ECONNREFUSED"], "Nothing listens there. Start the server, or correct host and port."],
  [["ENOTFOUND"], "There is no host of this name. Correct the url."],
  [
    [1053, 1927, 4031, "PROTOCOL_CONNECTION_LOST", "ECONNRESET", "EPIPE"],
    "The connection broke. The store connects again by itself; the act may or may not have been stored.",
  ],
  [["HANDSHAKE_SSL_ERROR", "HANDSHAKE_NO_SSL_SUPPORT"], UNENCRYPTED],
  [["ERR_MODULE_NOT_FOUND"], "Install the driver beside millrace: npm install mysql2"],
];

// What the system says of a socket has a negative number.
function numberOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errno" in error)) return undefined;
  return typeof error.errno === "number" && error.errno > 0 ? error.errno : undefined;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
