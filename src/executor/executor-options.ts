import type { AnyJob } from "../jobs/job-definition.js";
import { JobError } from "../model/job-error.js";
import type { Clock } from "../ports/clock.js";
import type { Connection } from "../ports/connection.js";
import type { IdSource } from "../ports/ids.js";
import type { JobStore } from "../ports/job-store.js";
import type { Logger } from "../ports/logger.js";
import type { QueryEngine } from "../ports/query-engine.js";

/** What a {@link JobExecutor} is made of. */
export interface JobExecutorOptions<J extends readonly AnyJob[] = readonly AnyJob[]> {
  readonly engine: QueryEngine;
  /** The ledger. One that is open already is left open by `stop`. */
  readonly store: JobStore;
  /** By the name that queries and destinations use; case does not matter. */
  readonly connections: Readonly<Record<string, Connection>>;
  readonly jobs: J;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: random UUIDs of version 7. */
  readonly ids?: IdSource;
  /** Default: warnings and errors go to the console, the rest nowhere. */
  readonly logger?: Logger;
  /** Runs carried out side by side. Default 4. */
  readonly maxConcurrentRuns?: number;
  /** How long a worker that died keeps its runs, in milliseconds. Default 30,000, at least 100. */
  readonly leaseMs?: number;
  /** How long a granted commit may go unanswered before it is settled, in milliseconds. Default 60,000. */
  readonly commitTimeoutMs?: number;
  /**
   * 32 bytes that seal secret parameters in the ledger, the same in every process that shares it. Default: none; then
   * secret values live only in the memory of the process that submitted the run.
   */
  readonly secretKey?: Uint8Array;
}

const SMALLEST_LEASE_MS = 100;
const KEY_BYTES = 32;

/** The numbers of the options, with their defaults. @throws JobError `invalid_definition`, naming the option in `field`. */
export function checkedLimits(options: JobExecutorOptions) {
  const { maxConcurrentRuns = 4, leaseMs = 30_000, commitTimeoutMs = 60_000, secretKey } = options;
  wholeNumber("maxConcurrentRuns", maxConcurrentRuns, 1);
  wholeNumber("leaseMs", leaseMs, SMALLEST_LEASE_MS);
  wholeNumber("commitTimeoutMs", commitTimeoutMs, 1);
  if (secretKey && secretKey.byteLength !== KEY_BYTES) {
    refuse(
      "secretKey",
      `must have ${KEY_BYTES} bytes, not ${secretKey.byteLength}`,
      "Make one with crypto.randomBytes(32) and keep it.",
    );
  }
  return { maxConcurrentRuns, leaseMs, commitTimeoutMs };
}

/**
 * Checks the connections' names, and that no two parts hold the same single-writer resource.
 *
 * @throws JobError `invalid_definition`.
 */
export function checkedConnections({ connections, store }: JobExecutorOptions): ReadonlyMap<string, Connection> {
  const seen = new Map<string, string>();
  for (const [name, connection] of Object.entries(connections)) {
    const field = `connections.${name}`;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      refuse(
        field,
        "must be a plain identifier",
        "Use letters, digits and _, and begin with a letter: it is the first segment of table names.",
      );
    }
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined)
      refuse(field, `differs from connections.${twin} in case only`, "Names of connections ignore case. Rename one.");
    seen.set(name.toLowerCase(), name);
    const { resource } = connection.capabilities;
    if (
      resource !== undefined &&
      resource === store.capabilities.resource &&
      connection.capabilities.write === "transactional"
    ) {
      refuse(
        field,
        "is the ledger's own file",
        "A load holds the file's write lock until its commit, so the ledger could not be written meanwhile. Give the ledger a file of its own.",
      );
    }
  }
  return new Map(Object.entries(connections));
}

function wholeNumber(field: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  refuse(field, `must be a whole number of at least ${least}, not ${String(value)}`, "Correct the option.");
}

function refuse(field: string, what: string, hint: string): never {
  throw new JobError("invalid_definition", { message: `The executor's option ${field} ${what}.`, hint, field });
}
