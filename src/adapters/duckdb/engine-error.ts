import type { ErrorCode } from "../../model/error-codes.js";
import type { BadValue } from "./exact-column.js";
import { causeChain, isJobError, JobError } from "../../model/job-error.js";

/** What DuckDB threw while it planned. Its own text is kept, with its candidates and its line. */
export function planError(thrown: unknown): JobError {
  return inWords(thrown, "sql_plan_failure", "Correct the query. The message is DuckDB's.", 0);
}

/**
 * What DuckDB threw while it ran.
 *
 * @param linesBefore lines that the engine put before the user's text.
 */
export function runError(thrown: unknown, linesBefore = 0): JobError {
  return inWords(thrown, "query_failed", "The message is DuckDB's. Nothing was committed.", linesBefore);
}

/** For a value in a file that its column cannot hold. */
export function badValueError(
  { file, column, type, value }: BadValue,
  place: string | undefined,
  cause: unknown,
): JobError {
  const shown = value.length > 100 ? `${value.slice(0, 100)}…` : value;
  return new JobError("query_failed", {
    message: `The column "${column}" is ${type}, and ${place ?? file} has "${shown}" in it, which cannot be kept exactly.`,
    hint: `Correct the file, or declare a type that holds it: columns: { ${column}: "VARCHAR" }.`,
    retryable: false,
    columns: [column],
    cause,
  });
}

/** For rows that ended by a failure which did not happen again. */
export function unexplained(cause: unknown): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: "The query failed before its last row, and did not fail again when it was run to find out why.",
    hint: "Look for what changes between two runs: random(), files that are written to, memory that other runs use.",
    cause,
  });
}

function inWords(thrown: unknown, code: ErrorCode, hint: string, linesBefore: number): JobError {
  if (isJobError(thrown)) return thrown;
  const message = engineText(thrown, linesBefore);
  // The second and third are what a commit says.
  if (/^Out of Memory Error|could not allocate block|failed to offload data block/.test(message))
    return outOfResources(message, thrown);
  // The same rows fail in the same way again; a file, a disk or a lock may not.
  const retryable = code === "query_failed" && /^(IO|HTTP|Interrupt|TransactionContext) Error/i.test(message);
  return new JobError(code, { message, hint, retryable, cause: thrown });
}

function outOfResources(message: string, cause: unknown): JobError {
  const isDisk = message.includes("max_temp_directory_size");
  const [limit, what] = isDisk ? ["tempLimit", "temporary disk"] : ["memoryLimit", "memory"];
  return new JobError("resource_limit_exceeded", {
    // What follows in DuckDB's text are settings that a job cannot change.
    message: `The query needs more ${what} than the engine may use (${limit}): ${message.split("\n")[0] ?? message}`,
    hint: `Raise ${limit} of DuckDBEngine, run fewer jobs at once, or let the query hold less at a time.`,
    field: limit,
    cause,
  });
}

function engineText(thrown: unknown, linesBefore: number): string {
  const text = causeChain(thrown)
    // What the driver puts before the text of the error that a query ended with.
    .replace(/^Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\s*Error: /, "")
    .replace(/^Failure running pending result task: /, "")
    // What follows are settings that a job cannot change; of a CSV file's dialect the file is enough.
    .replace(/\n+(Possible (fixes|solutions?)|See also)[^]*?(\n\n {2}file = [^\n]*)?(\n {2}\w+ = [^]*)?$/i, "$3")
    .trim();
  if (linesBefore === 0) return text;
  return text.replace(/^LINE (\d+):/gm, (_, line: string) => `LINE ${Number(line) - linesBefore}:`);
}
