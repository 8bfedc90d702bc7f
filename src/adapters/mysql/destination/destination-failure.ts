import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { UNENCRYPTED } from "../mysql-config.js";

/** What was being done when it failed. */
export interface FailedAct {
  /** What is said of the connection: it could not be asked, or it refused or lost a write. */
  readonly code: "connection_unavailable" | "destination_failed";
  readonly table?: string;
}

/** Some of the server's own numbers of errors. */
export const ServerError = { duplicate: 1062, lockWait: 1205, deadlock: 1213 } as const;

/**
 * Names an error of the driver or of the server in words of Millrace. Values that the server quotes are left out; names of
 * tables, columns and constraints are not.
 *
 * @param secrets are in no message.
 */
export function destinationFailure(error: unknown, { code, table }: FailedAct, secrets: readonly string[]): unknown {
  if (isJobError(error)) return error;
  const number = numberOf(error);
  const known = number ?? propertyOf(error, "code");
  const [, hint, lasting = false] = DIAGNOSES.find(([of]) => of.some((one) => one === known)) ?? [
    [],
    number === undefined ? LOST : UNKNOWN,
  ];
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), causeChain(error));
  const reason = said.replaceAll(QUOTED_VALUE, "$1 …");
  const column = COLUMN.exec(said)?.[1];
  return new JobError(known !== undefined && OF_CONNECTING.has(known) ? "connection_unavailable" : code, {
    message: `MySQL: ${reason}${known === undefined ? "" : ` (${known})`}.`,
    hint,
    retryable: !lasting,
    ...(table !== undefined && { table }),
    ...(column !== undefined && { columns: [column] }),
  });
}

/** The server's number of the error; undefined: it did not come from the server. */
export function numberOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errno" in error) || !("sqlState" in error)) return undefined;
  return typeof error.errno === "number" ? error.errno : undefined;
}

function propertyOf(error: unknown, key: "code"): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value = (error as Readonly<Record<string, unknown>>)[key];
  return typeof value === "string" ? value : undefined;
}

/** `Duplicate entry '…' for key`, `Incorrect integer value: '…' for column`. */
const QUOTED_VALUE = /(entry|value:?) '.*'(?= for (?:key|column|function)\b)/gs;

/** `column 'name' at row 3`, `column `shop`.`orders`.`name` at row 3`. */
const COLUMN = /column (?:'|(?:`[^`]*`\.){2}`)([^'`]+)['`]/i;

const LOST = "The connection broke, and nothing was committed. Check the server and the network between.";
const UNKNOWN = "See the server's message.";
const VALUES = "Make the query's rows meet the column's type and the table's constraints.";
const DISK = "The server has no room left: its disk is full, or a limit of its own is reached. Make room.";
const DEPENDENT =
  "Rows of another table depend on rows that this write would take away or lacks. Use upsert, or write the other table first.";
const LOCAL_INFILE =
  "Rows go in by LOAD DATA LOCAL: set global local_infile = 1 at the server, and leave LOCAL_FILES among the flags of the connection.";

const OF_CONNECTING: ReadonlySet<number | string> = new Set([
  1040, 1044, 1045, 1049, 1130, 1203, 1226, 1129, 1251, 1698, 2059, 3118, 4151,
  "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "ERR_MODULE_NOT_FOUND",
  "HANDSHAKE_SSL_ERROR", "HANDSHAKE_NO_SSL_SUPPORT", "AUTH_SWITCH_PLUGIN_ERROR",
]); // prettier-ignore

/** By the server's numbers and the driver's codes. `lasting`: the same again would fail likewise. */
const DIAGNOSES: readonly (readonly [of: readonly (number | string)[], hint: string, lasting?: true])[] = [
  [[1045, 1698, 1251, 2059, 1130, 4151], "Check the user, its password, and from where the server lets it in.", true],
  [[1044], "This user may not use the database. Grant it rights there, or correct the url.", true],
  [[1049], "The server has no database of this name. Make it, or correct the url.", true],
  [[3118], "The account is locked. Unlock it, or use another.", true],
  [
    [1142, 1143, 1227, 1370, 1410],
    "This user lacks a right: it needs to select and insert (overwrite and deleteInsert: also to delete, upsert: also to update), to make tables where one is to be made, temporary ones for every mode with keys, and the same for _millrace_commits.",
    true,
  ],
  [[1040, 1203, 1226], "The server has no connection left. Use fewer runs at once, or raise its max_connections."],
  [[1148, 3948, 4166], LOCAL_INFILE, true],
  [
    [1062, 1586],
    "A row with this key is there already: use upsert or insertOnly, or leave such rows out of the query.",
    true,
  ],
  [
    [1048, 1263, 1364],
    "The column takes no nulls: leave such rows out of the query, or give the column a value there.",
    true,
  ],
  [[1216, 1217, 1451, 1452], DEPENDENT, true],
  [[1264, 1265, 1366, 1292, 1406, 1411, 1367, 3819, 4025, 1526, 1748, 3140, 1300, 1301], VALUES, true],
  [[1205], "Another transaction has held a lock for too long. Try again when it is done, or raise lockWaitMs."],
  [[1213, 1020], "Another transaction stood in the way, and this one was taken back. Another attempt may succeed."],
  [[3, 5, 28, 1021, 1030, 1114, 1206], DISK],
  [
    [1290, 1792, 1836],
    "This server takes no writes: a replica, or one for reading only. Connect to the primary.",
    true,
  ],
  [[1317, 1927, 1969, 3024], "The statement was ended by a time limit of the server, or by hand."],
  [[1053, 1077], "The server is stopping or starting. Nothing was committed."],
  [[1153], "The server's max_allowed_packet is too small for a value. Raise it.", true],
  [[1071, 1170], "The keys are too long for an index. Let the key columns be numbers or short texts.", true],
  [[1118], "A row would be larger than the server's pages take; see its message.", true],
  [[3750], "The server wants a primary key for every table: make the table beforehand.", true],
  [[1050, 1146, 1054, 1412], "The table was changed while the run went on. Another attempt finds it as it is now."],
  [["ECONNREFUSED"], "Nothing listens there. Start the server, or correct host and port."],
  [["ENOTFOUND"], "There is no host of this name. Correct the url.", true],
  [
    ["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"],
    "The server cannot be reached. Check the network between.",
  ],
  [["HANDSHAKE_SSL_ERROR", "HANDSHAKE_NO_SSL_SUPPORT"], UNENCRYPTED, true],
  [["ERR_MODULE_NOT_FOUND"], "Install the driver beside millrace: npm install mysql2", true],
];
