import { JobError, type JobErrorJson } from "../../model/job-error.js";

/** One mistake in a job file. */
export interface JobFileProblem {
  /** The file's path, as it was given or found. */
  readonly file: string;
  /** From 1; null when the file could not be read. */
  readonly line: number | null;
  /** From 1, in UTF-16 units; null when the file could not be read. */
  readonly column: number | null;
  /** As it stands in the file: `spec.execution.timeoutMs`; empty for the document or the file itself. */
  readonly field: string;
  /** What is wrong; it follows the field's name and quotes no value. */
  readonly message: string;
}

/** How many problems the message lists; `problems` has all of them. */
const MOST_LISTED = 20;

/**
 * Why job files were not loaded, every mistake of all files: `invalid_job_file` for what stands in them,
 * `job_file_unreadable` when that is not even known.
 */
export class JobFileError extends JobError<"invalid_job_file" | "job_file_unreadable"> {
  /** In the order of the files, and within a file from its top. */
  readonly problems: readonly JobFileProblem[];

  constructor(kind: "job" | "schedule", problems: readonly JobFileProblem[]) {
    const invalid = problems.some(({ line }) => line !== null);
    const field = problems.find((one) => one.field !== "")?.field;
    super(invalid ? "invalid_job_file" : "job_file_unreadable", {
      message: `${problems.length === 1 ? "A job file has a mistake" : `Job files have ${problems.length} mistakes`}:${list(problems)}`,
      hint: invalid
        ? `Correct what is named here; docs/guides/${kind === "job" ? "job-files" : "schedules"}.md has every field. No ${kind} was loaded.`
        : `Check the paths and the rights of the process. No ${kind} was loaded.`,
      ...(field === undefined ? {} : { field }),
    });
    this.problems = problems;
  }

  override toJSON(): JobErrorJson & { readonly problems: readonly JobFileProblem[] } {
    return { ...super.toJSON(), problems: this.problems };
  }
}

function list(problems: readonly JobFileProblem[]): string {
  const lines = problems.slice(0, MOST_LISTED).map(({ file, line, column, field, message }) => {
    const place = line === null ? file : `${file}:${line}:${column}`;
    return `\n  ${[place, field, message].filter((part) => part !== "").join(" ")}`;
  });
  const left = problems.length - lines.length;
  return `${lines.join("")}${left > 0 ? `\n  and ${left} more, all in "problems"` : ""}`;
}
