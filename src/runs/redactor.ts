import { causeChain, isJobError, JobError, type ErrorDetails } from "../model/job-error.js";
import type { RunError } from "../model/run.js";
import type { Logger } from "../ports/logger.js";
import type { ErrorCode } from "../model/error-codes.js";

const MASK = "***";

// A shorter secret would mask letters and digits all over a message, and tell its own text by doing so.
const SHORTEST_MASKED = 3;

/** Takes secrets out of texts (law 10): as they are, percent-encoded, with quotes doubled, and as JSON escapes them. */
export class Redactor {
  readonly #forms: readonly string[];

  constructor(secrets: Iterable<string>) {
    const forms = new Set<string>();
    for (const secret of secrets) {
      if (secret.length < SHORTEST_MASKED) continue;
      for (const form of spellings(secret)) forms.add(form);
    }
    this.#forms = [...forms].sort((left, right) => right.length - left.length);
  }

  text(text: string): string {
    return this.#forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);
  }

  /** The error as the ledger keeps it: the whole chain of causes, without secrets. */
  runError(error: unknown, fallback: { readonly code: ErrorCode; readonly hint: string }): RunError {
    const known = isJobError(error) ? error : new JobError(fallback.code, { message: "", hint: fallback.hint });
    return {
      ...detailsOf(known),
      code: known.code,
      message: this.text(causeChain(error)),
      hint: this.text(known.hint),
      retryable: known.retryable,
    };
  }

  /**
   * The error as the host gets it. The cause, which may hold more than its message, is kept only where nothing had to be
   * masked.
   */
  hostError(
    error: unknown,
    fallback: { readonly code: ErrorCode; readonly hint: string },
    details?: ErrorDetails,
  ): JobError {
    const { code, message, hint, retryable, ...found } = this.runError(error, fallback);
    const clean = message === causeChain(error);
    return new JobError(code, { ...details, ...found, message, hint, retryable, ...(clean && { cause: error }) });
  }
}

/** A logger whose messages and texts hold no secret. */
export function maskedLogger(logger: Logger, redactor: Redactor): Logger {
  const masked = (fields: Readonly<Record<string, unknown>> = {}) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, typeof value === "string" ? redactor.text(value) : value]),
    );
  return {
    debug: (message, fields) => logger.debug(redactor.text(message), masked(fields)),
    info: (message, fields) => logger.info(redactor.text(message), masked(fields)),
    warn: (message, fields) => logger.warn(redactor.text(message), masked(fields)),
    error: (message, fields) => logger.error(redactor.text(message), masked(fields)),
  };
}

const DETAILS = [
  "jobName",
  "runId",
  "parameters",
  "field",
  "columns",
  "table",
  "connection",
  "mode",
  "timeoutMs",
] as const satisfies readonly (keyof ErrorDetails)[];

function detailsOf(error: JobError): ErrorDetails {
  return Object.fromEntries(DETAILS.filter((key) => error[key] !== undefined).map((key) => [key, error[key]]));
}

function spellings(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const single = secret.replaceAll("'", "''");
  const double = secret.replaceAll('"', '""');
  return [secret, json, single, double, ...percentEncoded(secret)];
}

function percentEncoded(secret: string): readonly string[] {
  try {
    const encoded = encodeURIComponent(secret);
    return [encoded, encoded.replaceAll("%20", "+"), encodeURI(secret)];
  } catch {
    // A lone surrogate has no percent-encoding, so it cannot show up as one.
    return [];
  }
}
