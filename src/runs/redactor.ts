import { causeChain, errorDetails, isJobError, JobError, type ErrorDetails } from "../model/job-error.js";
import { ERROR_CODES, type ErrorCode } from "../model/error-codes.js";
import type { RunError } from "../model/run.js";
import type { Logger } from "../ports/logger.js";
import { secretSpellings } from "./secret-spellings.js";

const MASK = "***";

// A shorter secret would mask letters and digits all over a message, and tell its own text by doing so.
const SHORTEST_MASKED = 3;

/** Codes whose message holds what an engine or a destination said of the values that it was given. */
const QUOTES_VALUES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "query_failed",
  "sql_plan_failure",
  "destination_failed",
  "internal_error",
]);

interface Fallback {
  readonly code: ErrorCode;
  readonly hint: string;
}

/** Takes secrets out of texts (law 10), in every spelling of {@link secretSpellings}. */
export class Redactor {
  readonly #forms: readonly string[];
  readonly #hasSecrets: boolean;

  /**
   * @param withholding the secrets are values of a query. No masking is certain then, because an engine may quote a part
   * of a value, or what a function made of it; so what engine and destination said is left out altogether.
   */
  constructor(
    secrets: Iterable<string>,
    private readonly withholding = false,
  ) {
    const all = [...secrets];
    const forms = new Set(all.flatMap(secretSpellings).filter(({ length }) => length >= SHORTEST_MASKED));
    this.#forms = [...forms].sort((left, right) => right.length - left.length);
    this.#hasSecrets = withholding || all.length > 0;
  }

  text(text: string): string {
    return this.#forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);
  }

  /** The error as the ledger keeps it: the whole chain of causes, without secrets. */
  runError(error: unknown, fallback: Fallback): RunError {
    const known = isJobError(error) ? error : new JobError(fallback.code, { message: "", hint: fallback.hint });
    const { code, retryable } = known;
    const said = this.withholding && QUOTES_VALUES.has(code) ? withheld(code) : this.#said(error, known.hint);
    return { ...this.#details(known), code, ...said, retryable };
  }

  /** The error as the host gets it. The cause, of which every field may hold a secret, is kept only where there is none. */
  hostError(error: unknown, fallback: Fallback, details?: ErrorDetails): JobError {
    const { code, ...found } = this.runError(error, fallback);
    // An error of ours says the same as the new one; only what lies behind it is news.
    const cause = isJobError(error) ? error.cause : error;
    return new JobError(code, { ...details, ...found, ...(!this.#hasSecrets && cause !== undefined && { cause }) });
  }

  #said(error: unknown, hint: string): Pick<RunError, "message" | "hint"> {
    return { message: this.text(causeChain(error)), hint: this.text(hint) };
  }

  /** Names that the host gave its jobs, runs and parameters stay; what others called things may hold a value. */
  #details(error: JobError): ErrorDetails {
    const { columns, field, table, connection, ...others } = errorDetails(error);
    return {
      ...others,
      ...(columns && { columns: columns.map((column) => this.text(column)) }),
      ...(field !== undefined && { field: this.text(field) }),
      ...(table !== undefined && { table: this.text(table) }),
      ...(connection !== undefined && { connection: this.text(connection) }),
    };
  }
}

function withheld(code: ErrorCode): Pick<RunError, "message" | "hint"> {
  return {
    message: `${ERROR_CODES[code].meaning} What was said of it is withheld, because it could quote a secret parameter.`,
    hint: "To read it, submit the job with values that are no secrets, from a definition that does not declare them secret.",
  };
}

/** A logger whose messages and texts hold no secret, and which never fails. */
export function maskedLogger(logger: Logger, redactor: Redactor): Logger {
  const masked = (fields: Readonly<Record<string, unknown>> = {}) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, typeof value === "string" ? redactor.text(value) : value]),
    );
  const at = (level: keyof Logger): Logger[keyof Logger] => {
    return (message, fields) => quietly(() => logger[level](redactor.text(message), masked(fields)));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that is lost must not take a run, or the process, with it: there is nowhere left to tell of it. */
function quietly(write: () => unknown): void {
  try {
    Promise.resolve(write()).catch(() => undefined);
  } catch {
    return;
  }
}
