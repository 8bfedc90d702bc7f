import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { isConnectionLost } from "../ledger/postgres-failure.js";
import { UNTRUSTED, UNTRUSTED_HINT } from "../untrusted-certificate.js";

/**
 * Names an error of the driver or of the server in words of Millrace. The server's details, which quote values, are left
 * out.
 *
 * @param act what was being done: a lost connection is nobody's fault while rows come, and a missing one before.
 * @param secrets are in no message.
 */
export function sourceFailure(
  error: unknown,
  act: "connecting" | "reading",
  table: string | undefined,
  secrets: readonly string[],
): unknown {
  if (isJobError(error)) return error;
  const sqlState = codeOf(error);
  const lost = isConnectionLost(error);
  const [, hint, lasting = false] =
    DIAGNOSES.find(([prefix]) => sqlState?.startsWith(prefix)) ?? (lost ? ["", LOST] : ["", UNKNOWN, true]);
  const reason = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), causeChain(error));
  const of = table === undefined ? "" : `table ${table}: `;
  const code = act === "connecting" || isOfConnecting(sqlState) ? "connection_unavailable" : "query_failed";
  return new JobError(code, {
    message: `Postgres: ${of}${reason}${sqlState === undefined ? "" : ` (${sqlState})`}.`,
    hint,
    retryable: !lasting,
    ...(table !== undefined && { table }),
  });
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function isOfConnecting(code: string | undefined): boolean {
  return code !== undefined && OF_CONNECTING.some((prefix) => code.startsWith(prefix));
}

const OF_CONNECTING = [
  ...["28", "3D000", "53300", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ERR_MODULE"],
  ...UNTRUSTED,
];

const LOST = "The connection broke before all rows were read. Check the server and the network between.";
const UNKNOWN = "See the server's message.";

/** The first that the code begins with. `lasting`: the same again would fail likewise. */
const DIAGNOSES: readonly (readonly [prefix: string, hint: string, lasting?: true])[] = [
  [
    "25006",
    "A view or a column of the table writes when it is read; reading is done in a read-only transaction.",
    true,
  ],
  [
    "25P03",
    "The server ends transactions that are idle (idle_in_transaction_session_timeout). Raise it for this user.",
  ],
  ["28", "Check the user, its password and the server's pg_hba.conf.", true],
  ["3D000", "The server has no database of this name. Make it, or correct the url.", true],
  ["40", "Another transaction, or a standby's recovery, stood in the way. Another attempt may succeed."],
  ["42501", "This user may not read the table: it needs `select` on it, and `usage` on its schema.", true],
  ["42", "See the server's message; the table may have been changed since the query was planned.", true],
  ["53300", "The server has no connection left. Use fewer runs at once, a smaller pool, or raise max_connections."],
  ["53", "The server lacks a resource; see its message."],
  [
    "55P03",
    "Another transaction has held a lock on the table for too long. Try again when it is done, or raise lockWaitMs.",
  ],
  [
    "57014",
    "The statement was cancelled, by the server's statement_timeout or by hand. Raise the time-out for this user.",
  ],
  ["57P", "The server is stopping or starting."],
  ["58", "The server cannot read its own files; see its message."],
  ["ECONNREFUSED", "Nothing listens there. Start the server, or correct host and port."],
  ["ENOTFOUND", "There is no host of this name. Correct the url.", true],
  ["ERR_MODULE_NOT_FOUND", "Install the driver beside millrace: npm install pg", true],
  ...UNTRUSTED.map((prefix) => [prefix, UNTRUSTED_HINT, true] as const),
];
