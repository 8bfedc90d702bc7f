import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { isConnectionLost } from "../ledger/postgres-failure.js";
import { UNTRUSTED, UNTRUSTED_HINT } from "../untrusted-certificate.js";

/** What was being done when it failed. */
export interface FailedAct {
  /** What is said of the connection: it could not be asked, or it refused or lost a write. */
  readonly code: "connection_unavailable" | "destination_failed";
  readonly table?: string;
}

/**
 * Names an error of the driver or of the server in words of Millrace. The server's details, which quote values, are left
 * out; its message names tables, columns and constraints.
 *
 * @param secrets are in no message.
 */
export function destinationFailure(error: unknown, { code, table }: FailedAct, secrets: readonly string[]): unknown {
  if (isJobError(error)) return error;
  const sqlState = propertyOf(error, "code");
  const found = DIAGNOSES.find(([prefix]) => sqlState?.startsWith(prefix));
  const lost = isConnectionLost(error);
  const [, hint, lasting = false] = found ?? ["", lost ? LOST : UNKNOWN];
  const reason = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), causeChain(error));
  const column = columnOf(error);
  const named = column === undefined ? "" : `column "${column}": `;
  return new JobError(isOfConnecting(sqlState) ? "connection_unavailable" : code, {
    message: `Postgres: ${named}${reason}${sqlState === undefined ? "" : ` (${sqlState})`}.`,
    hint,
    retryable: !lasting,
    ...(table !== undefined && { table }),
    ...(column !== undefined && { columns: [column] }),
  });
}

/** The SQLSTATE of the server's answer, or the code of the driver. */
export function codeOf(error: unknown): string | undefined {
  return propertyOf(error, "code");
}

/** The server names the column in a field, or in what it says of where it was: `COPY orders, line 3, column name`. */
function columnOf(error: unknown): string | undefined {
  return (
    propertyOf(error, "column") ??
    /^COPY .*, line \d+, column ([^\n]+?)(?:: .*)?$/m.exec(propertyOf(error, "where") ?? "")?.[1]
  );
}

function isOfConnecting(code: string | undefined): boolean {
  return code !== undefined && OF_CONNECTING.some((prefix) => code.startsWith(prefix));
}

function propertyOf(error: unknown, key: "code" | "column" | "where"): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value = (error as Readonly<Record<string, unknown>>)[key];
  return typeof value === "string" ? value : undefined;
}

const OF_CONNECTING = [
  ...["28", "3D000", "53300", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ERR_MODULE"],
  ...UNTRUSTED,
];

const LOST = "The connection broke, and nothing was committed. Check the server and the network between.";
const UNKNOWN = "See the server's message.";
const VALUES = "Make the query's rows meet the column's type and the table's constraints.";

/** The first that the code begins with. `lasting`: the same again would fail likewise. */
const DIAGNOSES: readonly (readonly [prefix: string, hint: string, lasting?: true])[] = [
  [
    "22021",
    "Postgres' text holds no NUL, and nothing that is not UTF-8: replace or leave out such values in the query.",
    true,
  ],
  ["22P05", "The database's encoding lacks a character. Use a database in UTF8.", true],
  ["22008", "Postgres' dates begin in 4713 BC: replace or leave out such values in the query.", true],
  ["23502", "The column takes no nulls: leave such rows out of the query, or give the column a value there.", true],
  [
    "23503",
    "Rows of another table depend on rows that this write would take away or lacks. Use upsert, write the other table first, or make the foreign key deferrable.",
    true,
  ],
  [
    "23505",
    "A row with this key is there already: use upsert or insertOnly, or leave such rows out of the query. Rows that exchange values of a unique column need deleteInsert.",
    true,
  ],
  ["22", VALUES, true],
  ["23", VALUES, true],
  ["21", VALUES, true],
  ["25006", "This server takes no writes: a standby, or a role for reading only. Connect to the primary.", true],
  ["28", "Check the user, its password and the server's pg_hba.conf.", true],
  ["3D000", "The server has no database of this name. Make it, or correct the url.", true],
  ["3F000", "The schema is not there. Make it, or name another.", true],
  ["40", "Another transaction stood in the way, and this one was taken back. Another attempt may succeed."],
  [
    "42501",
    "This user lacks a right: it needs to insert (overwrite and deleteInsert: also to delete, upsert: also to update), to make tables where one is to be made, and the same for _millrace_commits.",
    true,
  ],
  ["42P07", "Another writer has just made the table. Another attempt finds it."],
  ["42", "See the server's message; the table may have been changed while the run went on.", true],
  ["0A", "The server cannot do this with the table; see its message.", true],
  ["53100", "The server's disk is full. Free some space."],
  ["53300", "The server has no connection left. Use fewer runs at once, a smaller pool, or raise max_connections."],
  ["53", "The server lacks a resource; see its message."],
  ["54", "A row is larger than the server takes; see its message.", true],
  [
    "55P03",
    "Another transaction has held a lock on the table for too long. Try again when it is done, or raise lockWaitMs.",
  ],
  [
    "57014",
    "The statement was cancelled, by the server's statement_timeout or by hand. Raise the time-out for this user.",
  ],
  ["57P", "The server is stopping or starting. Nothing was committed."],
  ["ECONNREFUSED", "Nothing listens there. Start the server, or correct host and port."],
  ["ENOTFOUND", "There is no host of this name. Correct the url.", true],
  ["ERR_MODULE_NOT_FOUND", "Install the driver beside millrace: npm install pg", true],
  ...UNTRUSTED.map((prefix) => [prefix, UNTRUSTED_HINT, true] as const),
];
