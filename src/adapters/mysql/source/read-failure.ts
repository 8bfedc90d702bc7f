import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { numberOf } from "../destination/destination-failure.js";
import type { TablePlace } from "../destination/place.js";
import { UNENCRYPTED } from "../mysql-config.js";
import type { ReadColumn } from "./read-table.js";

/** Names an error of the driver or of the server in words of Millrace. @param secrets are in no message. */
export function readFailure(
  error: unknown,
  code: "connection_unavailable" | "query_failed",
  secrets: readonly string[],
): unknown {
  if (isJobError(error)) return error;
  const known = numberOf(error) ?? codeOf(error);
  const [, hint, kind = "passing"] = DIAGNOSES.find(([of]) => of.some((one) => one === known)) ?? [[], LOST];
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), causeChain(error));
  return new JobError(kind === "refused" || kind === "unreachable" ? "connection_unavailable" : code, {
    message: `MySQL: ${said}${known === undefined ? "" : ` (${known})`}.`,
    hint,
    retryable: kind === "passing" || kind === "unreachable",
  });
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const LOST = "The connection broke while rows were read. Check the server and the network between.";

/** By the server's numbers and the driver's codes. `refused`: nobody gets in; `lasting`: the same again fails likewise. */
const DIAGNOSES: readonly (readonly [
  of: readonly (number | string)[],
  hint: string,
  kind?: "refused" | "unreachable" | "lasting",
])[] = [
  [
    [1045, 1698, 1251, 2059, 1130, 4151],
    "Check the user, its password, and from where the server lets it in.",
    "refused",
  ],
  [[1044], "This user may not use the database. Grant it rights there, or correct the url.", "refused"],
  [[1049], "The server has no database of this name. Make it, or correct the url.", "refused"],
  [[3118], "The account is locked. Unlock it, or use another.", "refused"],
  [["ENOTFOUND"], "There is no host of this name. Correct the url.", "refused"],
  [["HANDSHAKE_SSL_ERROR", "HANDSHAKE_NO_SSL_SUPPORT"], UNENCRYPTED, "refused"],
  [["ERR_MODULE_NOT_FOUND"], "Install the driver beside millrace: npm install mysql2", "refused"],
  [["ECONNREFUSED"], "Nothing listens there. Start the server, or correct host and port.", "unreachable"],
  [
    ["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"],
    "The server cannot be reached. Check the network between.",
    "unreachable",
  ],
  [
    [1040, 1203, 1226],
    "The server has no connection left. Use fewer runs at once, or raise its max_connections.",
    "unreachable",
  ],
  [[1142, 1143, 1370], "This user may not read the table, or some of its columns. Grant it select.", "lasting"],
  [[1356, 1449], "The view cannot be read: its tables, or the rights of who made it, are gone.", "lasting"],
  [[1146, 1054, 1412], "The table was changed while the query went on. Another attempt finds it as it is now."],
  [[1205, 1213], "Another transaction stood in the way. Another attempt may succeed."],
  [[1317, 1927, 1969, 3024], "The statement was ended by a time limit of the server, or by hand."],
  [[1053, 1077], "The server is stopping or starting."],
];

export function goneTable({ label }: TablePlace): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `There is no table and no view "${label}" that this user may read.`,
    hint: "It may have been dropped since the query was planned.",
    table: label,
  });
}

export function changedColumns({ label }: TablePlace, columns: readonly string[]): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `The table "${label}" does not have the columns ${columns.map((name) => `"${name}"`).join(", ")} as planned.`,
    hint: "Somebody changed the table while the query was planned; run it again.",
    table: label,
    columns,
  });
}

/** What the server warns of may be a value that it has changed. Its words may quote the value. */
export function warned({ label }: TablePlace, warnings: number): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `Reading "${label}", the server warned ${warnings} times that a value is not what it was.`,
    hint: `Run select * from ${label} by hand, and look at show warnings: mostly a view converts what cannot be converted.`,
    retryable: false,
    table: label,
  });
}

/**
 * The value itself is not named: it may be a secret.
 *
 * @param row of the scan, from 1.
 */
export function unreadableValue(
  { label }: TablePlace,
  { name, native, nativeType, type }: ReadColumn,
  row: number,
  reason: string,
): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `Column "${name}" of "${label}", ${nativeType ?? native.name}, cannot be read: row ${row} of the scan has ${reason}.`,
    hint: HINTS[type.kind] ?? "Correct the value, or query a view that gives the column as text.",
    retryable: false,
    columns: [name],
    table: label,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  date: 'Correct the value, or open the connection with zeroDates: "null".',
  timestamp: 'Correct the value, or open the connection with zeroDates: "null".',
  time: 'Open the connection with time: "interval".',
  boolean: 'Open the connection with tinyint1: "integer".',
};
