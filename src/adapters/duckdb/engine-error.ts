import { type ErrorCode } from "../../model/error-codes.js";
import { causeChain, isJobError, JobError } from "../../model/job-error.js";

/** What DuckDB threw while it planned, in the model's words. DuckDB's own text is kept, with its candidates and its line. */
export function planError(thrown: unknown): JobError {
  return inWords(thrown, "sql_plan_failure", "Correct the query; the message is DuckDB's.");
}

/** What DuckDB threw while it ran. */
export function runError(thrown: unknown): JobError {
  return inWords(thrown, "query_failed", "The message is DuckDB's; nothing was committed.");
}

function inWords(thrown: unknown, code: ErrorCode, hint: string): JobError {
  if (isJobError(thrown)) return thrown;
  const text = engineText(thrown);
  if (text.startsWith("Out of Memory Error")) {
    return new JobError("resource_limit_exceeded", {
      message: text,
      hint: "Raise memoryLimit or tempLimit of DuckDBEngine, run fewer jobs at once, or make the query smaller.",
      cause: thrown,
    });
  }
  return new JobError(code, { message: text, hint, cause: thrown });
}

function engineText(thrown: unknown): string {
  const text = causeChain(thrown);
  // What `execute_pending` puts before the text of the error that the query ended with.
  const inner = /^Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\s*Error: /;
  return text.replace(inner, "").trim();
}
