import type { DestinationDefinition } from "../model/job-definition.js";
import { isJobError, JobError } from "../model/job-error.js";
import { describeFindings, schemaDifference, type SchemaFinding } from "../model/schema-difference.js";
import type { TableSchema } from "../model/table-schema.js";
import { keysOf } from "../model/write-mode.js";
import type { ResolvedDestination } from "./connections.js";

/** What a destination looks like before a write, and what stands against it. */
export interface DestinationCheck {
  /** Null: the table is not there. */
  readonly existing: TableSchema | null;
  readonly createIfMissing: boolean;
  /** Every reason why the query's columns cannot be stored. */
  readonly findings: readonly SchemaFinding[];
}

/**
 * Compares a query's columns with its destination: does the table exist or may it be made, and can every column be kept
 * without loss. Nullability of matching columns is left to the destination.
 *
 * @throws JobError `connection_unavailable` when the destination cannot be asked.
 */
export async function checkDestination(
  resolved: ResolvedDestination,
  definition: DestinationDefinition,
  produced: TableSchema,
  signal: AbortSignal,
): Promise<DestinationCheck> {
  const { destination, connection, table } = resolved;
  let existing: TableSchema | null;
  try {
    existing = await destination.schema(signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(error, connection, table);
  }
  const createIfMissing = definition.createIfMissing ?? destination.capabilities.createsTable === "by_default";
  const storage = destination.storage?.bind(destination);
  const findings = schemaDifference({ produced, existing, keys: keysOf(definition.mode), ...(storage && { storage }) });
  return { existing, createIfMissing: createIfMissing && destination.capabilities.createsTable !== false, findings };
}

/** What a destination threw when it was asked about its table, typed. */
export function unavailable(cause: unknown, connection: string, table: string): JobError {
  if (isJobError(cause)) return cause;
  return new JobError("connection_unavailable", {
    message: `Connection "${connection}" could not be asked about "${table}"`,
    hint: "Check that the system runs, and that the connection's address and rights are right.",
    connection,
    table,
    cause,
  });
}

/** @throws JobError `destination_missing` or `schema_mismatch`, the latter with all findings in one message. */
export function refuseMisfit(resolved: ResolvedDestination, check: DestinationCheck): void {
  const { table, destination } = resolved;
  if (check.existing === null && !check.createIfMissing) {
    throw new JobError("destination_missing", {
      message: `Destination table "${table}" does not exist.`,
      hint:
        destination.capabilities.createsTable === false
          ? "Create it with your database's DDL before running the job."
          : "Create it with your database's DDL, or set createIfMissing on the job's destination.",
      table,
    });
  }
  if (check.findings.length > 0) {
    throw new JobError("schema_mismatch", {
      message: `The query's columns do not fit "${table}": ${describeFindings(check.findings)}.`,
      hint: "Rename, cast or leave out the named columns in the query, or change the table.",
      ...(check.findings.some(({ kind }) => kind === "missing_key") && { field: "destination.mode.keys" }),
      table,
      columns: [...new Set(check.findings.map(({ column }) => column))],
    });
  }
}
