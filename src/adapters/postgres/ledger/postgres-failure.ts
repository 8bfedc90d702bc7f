import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { UNTRUSTED, UNTRUSTED_HINT } from "../untrusted-certificate.js";

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
  const code = codeOf(error);
  const reason = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), causeChain(error));
  const known = HINTS.find(([prefix]) => code?.startsWith(prefix));
  if (!known && code?.startsWith("23") === true) {
    const hint = "A value that no ledger takes came through the port. Please report it.";
    return new JobError("internal_error", { message: `The ledger ${ledger} refused a row (${code}).`, hint });
  }
  const message = `The ledger ${ledger} could not be read or written: ${reason}${code === undefined ? "" : ` (${code})`}.`;
  if (code === "42P07") return new JobError("store_incompatible", { message, hint: TABLE_TAKEN });
  const hint = known?.[1] ?? "The server or the network failed. Acts under way may or may not have been stored.";
  const retryable = !LASTING.some((one) => code?.startsWith(one));
  return new JobError("store_unavailable", { message, hint, retryable, ...(nothingStored && { nothingStored }) });
}

// The server took the whole transaction back for the sake of another one.
function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === "40001" || code === "40P01";
}

/** Whether the connection is gone, or the server takes nothing more from it. */
export function isConnectionLost(error: unknown): boolean {
  if (isJobError(error)) return false;
  const code = codeOf(error);
  return code === undefined || !isSqlState(code) || /^(08|57P0|25P03)/.test(code);
}

/** Whether the same act may be asked again at once, because the server took it back or never got to its commit. */
export function mayAskAgain(error: unknown, isCommitting: boolean): boolean {
  const timedOut = error instanceof Error && error.message.includes("timeout");
  return isConflict(error) || (isConnectionLost(error) && !isCommitting && !timedOut);
}

/** Whether a row with one of these unique values is there already. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === "23505";
}

/** Whether another transaction held a lock for longer than this one would wait. */
export function isLockedOut(error: unknown): boolean {
  return codeOf(error) === "55P03";
}

export function isOutsideTransaction(error: unknown): boolean {
  return codeOf(error) === "25P01";
}

const TABLE_TAKEN = "A table of this name is there and is not the ledger's. Give a tablePrefix or a schema of its own.";

/** What stays so until somebody changes it. */
const LASTING = ["28", "3D000", "3F000", "42", "25006", "ERR_INVALID", ...UNTRUSTED];

const HINTS: readonly (readonly [codePrefix: string, hint: string])[] = [
  ["28", "Check the user, its password and the server's pg_hba.conf."],
  ["3D000", "The server has no database of this name. Make it, or correct the url."],
  ["3F000", "The schema is not there. Make it, or let the store migrate."],
  ["42501", "This user lacks a right: it reads and writes the ledger's tables, and makes them when it migrates."],
  ["42P01", "A table of the ledger is not there: it was dropped, or this is another database or search path."],
  ["42P07", TABLE_TAKEN],
  ["42703", "A table of the ledger lacks a column: somebody changed it by hand, or it is not the ledger's."],
  ["25006", "This server takes no writes: a standby. Connect to the primary."],
  ["53100", "The server's disk is full. Free some space; nothing of this act was stored."],
  ["53300", "The server has no connection left. Use fewer processes, a smaller pool, or raise max_connections."],
  ["53", "The server lacks a resource; see the message. Nothing of this act was stored."],
  ["55P03", "Another transaction holds a lock for long. Keep transactions that submit runs short."],
  ["57014", "The statement took too long: the server is overloaded, or the ledger's tables were changed by hand."],
  ["57P", "The server is stopping or starting. The store connects again by itself."],
  ["08", "The connection broke. The store connects again by itself; the act may or may not have been stored."],
  ["ECONNREFUSED", "Nothing listens there. Start the server, or correct host and port."],
  ["ENOTFOUND", "There is no host of this name. Correct the url."],
  ["ECONN", "The connection broke. The store connects again by itself; the act may or may not have been stored."],
  ["ERR_MODULE_NOT_FOUND", "Install the driver beside millrace: npm install pg"],
  ...UNTRUSTED.map((prefix) => [prefix, UNTRUSTED_HINT] as const),
];

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && code !== "EPIPE";
}
