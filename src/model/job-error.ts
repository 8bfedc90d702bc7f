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

  constructor(code: C, init: JobErrorInit) {
    const { message, hint, retryable, cause, ...details } = init;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
    this.retryable = retryable ?? ERROR_CODES[code].retryable;
    Object.assign(this, details);
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Whether `value` is an error of Millrace, whichever build of the package made it.
 *
 * @param code when given, the error must also have this code.
 */
export function isJobError<C extends ErrorCode = ErrorCode>(value: unknown, code?: C): value is JobError<C> {
  if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
  return code === undefined || ("code" in value && value.code === code);
}

/**
 * The messages of an error and of all its causes, outermost first, joined by `: `. A cause that the message already
 * quotes is not repeated.
 */
export function causeChain(error: unknown): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  for (let current = error; current !== undefined && current !== null && !seen.has(current);) {
    seen.add(current);
    const text = current instanceof Error ? current.message : messageOf(current);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    current = typeof current === "object" ? (current as { cause?: unknown }).cause : undefined;
  }
  return parts.join(": ");
}

// Worker threads and native addons reject with bare objects.
function messageOf(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) return String(thrown.message);
  return String(thrown);
}
