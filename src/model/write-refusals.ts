import { JobError } from "./job-error.js";
import type { TableSchema } from "./table-schema.js";
import { type CommitId, type KeyedMode, keysOf, type WriteMode } from "./write-mode.js";

/* Why a destination refuses rows or a state that do not meet what its table holds. One wording for all destinations. */

/** An example's longest text in a message. */
const MOST_CHARACTERS = 100;

/**
 * Two rows of one run have the same key.
 *
 * @param example the values of the key columns of one such key, as text; null where nobody can tell.
 */
export function duplicateKey(table: string, { kind, keys }: KeyedMode, example: readonly string[] | null): JobError {
  const named = example && keys.map((key, index) => `${key} = ${shortened(example[index] ?? "")}`).join(", ");
  const [keep, which] = kind === "insertOnly" ? ["keepFirst", "first"] : ["keepLast", "last"];
  return new JobError("destination_failed", {
    message: `Several rows of the query have the same key for "${table}": ${named ?? keys.join(", ")}.`,
    hint: `Let the query give one row for each key, or set onDuplicate: "${keep}" to let the ${which} of them count.`,
    retryable: false,
    table,
    columns: keys,
  });
}

/** A row has no value in a key column. */
export function nullKey(table: string, column: string): JobError {
  return new JobError("destination_failed", {
    message: `A row of the query has a null in column "${column}", which is a key for "${table}".`,
    hint: "Leave such rows out of the query, or give the column another value there.",
    retryable: false,
    table,
    columns: [column],
  });
}

/**
 * The rows have a column for each key of the mode.
 *
 * @throws JobError `schema_mismatch` for a key that is none.
 */
export function refuseMissingKeys(table: string, mode: WriteMode, { columns }: TableSchema): void {
  const missing = keysOf(mode).find((key) => columns.every(({ name }) => name !== key));
  if (missing !== undefined) throw missingKey(table, missing);
}

function missingKey(table: string, column: string): JobError {
  return new JobError("schema_mismatch", {
    message: `The query yields no column "${column}", which is a key for "${table}".`,
    hint: "Let the query yield every column that the mode's keys name.",
    field: "destination.mode.keys",
    table,
    columns: [column],
  });
}

/** A value that a column cannot keep. It is not named itself: it may be a secret. @param problem a clause about the column. */
export function unfitValue(table: string, column: string, problem: string): JobError {
  return new JobError("destination_failed", {
    message: `Column "${column}" of "${table}" ${problem}.`,
    hint: "Replace or leave out such values in the query, or cast the column.",
    retryable: false,
    columns: [column],
    table,
  });
}

/** The table is another than the one that the rows were made for. */
export function tableChanged(table: string): JobError {
  return new JobError("destination_failed", {
    message: `Table "${table}" was changed when the write began.`,
    hint: "Nothing was committed. Another attempt finds the table as it is now.",
    table,
  });
}

/** The commit has its end already: the one it is asked for, or `never`. */
export function commitTaken(commitId: CommitId, state: "committed" | "never"): JobError {
  return new JobError("destination_failed", {
    message:
      state === "committed"
        ? `Commit ${commitId} has landed already.`
        : `Commit ${commitId} was given up and may not land any more.`,
    hint: "Write again under a new commit id.",
    retryable: false,
  });
}

/** What is stored as a job's state is not what the run's query was bound with. */
export function stateConflict(table: string, key: string): JobError {
  return new JobError("state_conflict", {
    message: `The state of "${key}" in "${table}" was changed while the rows were read.`,
    hint: "Nothing was committed. The next attempt reads the state anew.",
    table,
  });
}

function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}
