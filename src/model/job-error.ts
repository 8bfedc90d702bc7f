import { ERROR_CODES, type ErrorCode } from "./error-codes.js";

// Two copies of the package (its ESM and its CJS build) may live in one process: the brand is shared, the class is not.
const BRAND = Symbol.for("millrace.JobError");

/** What names the fault beside its code. Only the fields of its case are present. */
export interface ErrorDetails {
  readonly jobName?: string;
  readonly runId?: string;
  /** The parameters at fault. */
  readonly parameters?: readonly string[];
  /** The option or the part of a definition at fault, as a path: `execution.timeoutMs`. */
  readonly field?: string;
  /** The columns at fault. */
  readonly columns?: readonly string[];
  /** The destination table as the job names it. */
  readonly table?: string;
  readonly connection?: string;
  readonly mode?: string;
  readonly timeoutMs?: number;
  /** True: the ledger provably did not carry out what failed, and will not. Absent: it may have. */
  readonly nothingStored?: boolean;
}

/** What a {@link JobError} is made from. */
export interface JobErrorInit extends ErrorDetails {
  readonly message: string;
  /** What to do next. */
  readonly hint: string;
  /** Overrides the code's own answer to "may the same call succeed later?". */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** A {@link JobError} as plain data. */
export interface JobErrorJson extends ErrorDetails {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}

/**
 * The one error class. Match on `code`, or use {@link isJobError}: `instanceof` fails when a process holds both the ESM
 * and the CJS build.
 */
export class JobError<C extends ErrorCode = ErrorCode> extends Error implements ErrorDetails {
  override readonly name = "JobError";
  readonly code: C;
  readonly hint: string;
  /** Whether the same call may succeed later without anybody changing it. */
  readonly retryable: boolean;
  declare readonly jobName?: string;
  declare readonly runId?: string;
  declare readonly parameters?: readonly string[];
  declare readonly field?: string;
  declare readonly columns?: readonly string[];
  declare readonly table?: string;
  declare readonly connection?: string;
  declare readonly mode?: string;
  declare readonly timeoutMs?: number;
  declare readonly nothingStored?: boolean;

  constructor(code: C, init: JobErrorInit) {
    const { message, hint, retryable, cause, ...details } = init;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
    this.retryable = retryable ?? ERROR_CODES[code].retryable;
    Object.assign(this, details);
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** What a caller may be shown, as plain data: no stack and no cause. */
  toJSON(): JobErrorJson {
    const { code, message, hint, retryable } = this;
    return { code, message, hint, retryable, ...errorDetails(this) };
  }
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
  "nothingStored",
] as const satisfies readonly (keyof ErrorDetails)[];

/** The details that are present. */
export function errorDetails(error: ErrorDetails): ErrorDetails {
  return Object.fromEntries(DETAILS.filter((key) => error[key] !== undefined).map((key) => [key, error[key]]));
}

/**
 * Whether `value` is an error of Millrace, whichever build of the package made it.
 *
 * @param code when given, the error must also have this code.
 */
export function isJobError<C extends ErrorCode = ErrorCode>(value: unknown, code?: C): value is JobError<C> {
  if (typeof value !== "object" || value === null || propertyOf(value, BRAND) !== true) return false;
  return code === undefined || propertyOf(value, "code") === code;
}

/**
 * The messages of an error, of what it gathers (`AggregateError`) and of all their causes, outermost first, joined by
 * `: `. A text that the message already quotes is not repeated. Takes whatever was thrown, and never throws.
 */
export function causeChain(error: unknown): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  for (const left = [error]; left.length > 0;) {
    const current = left.pop();
    if (current === undefined || current === null || seen.has(current)) continue;
    seen.add(current);
    const text = textOf(current);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    if (typeof current !== "object") continue;
    const gathered = propertyOf(current, "errors");
    left.push(propertyOf(current, "cause"), ...(Array.isArray(gathered) ? (gathered as unknown[]).toReversed() : []));
  }
  return parts.join(": ");
}

// Worker threads and native addons reject with bare objects.
function textOf(thrown: unknown): string {
  const message = typeof thrown === "object" && thrown !== null ? propertyOf(thrown, "message") : thrown;
  try {
    return String(message ?? thrown);
  } catch {
    return "something that has no text was thrown";
  }
}

// A proxy or a getter may throw at any look.
function propertyOf(value: object, key: PropertyKey): unknown {
  try {
    return (value as Readonly<Record<PropertyKey, unknown>>)[key];
  } catch {
    return undefined;
  }
}
