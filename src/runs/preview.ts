import type { ResultAsync } from "neverthrow";
import { batchRows } from "../model/batch-values.js";
import type { DataType } from "../model/data-type.js";
import { JobError } from "../model/job-error.js";
import { describeFindings, type SchemaFinding } from "../model/schema-difference.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { TableSchema } from "../model/table-schema.js";
import type { RunServices } from "./run-services.js";
import type { PlannedQuery, Submission } from "./submission.js";

/** What a run would do. Nothing was written, to the ledger or to the destination. */
export interface JobPreview {
  readonly jobName: string;
  /** The columns that the query yields. */
  readonly schema: TableSchema;
  /** The types that the parameters have in the plan; null where the engine cannot say. */
  readonly parameters: ReadonlyMap<string, DataType | null>;
  /** The tables that the query reads. */
  readonly tables: readonly string[];
  /** The engine's plan as text, with what it reads of each table. */
  readonly plan: string;
  readonly destination: DestinationPreview;
  /** The first rows, as plain values. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface DestinationPreview {
  readonly table: string;
  /** What the table holds now; null when it is not there. */
  readonly existing: TableSchema | null;
  readonly wouldBeCreated: boolean;
  /** Every reason why the rows cannot be stored; empty when they fit. */
  readonly findings: readonly SchemaFinding[];
  /** The same in words; empty when they fit. */
  readonly difference: string;
}

export interface PreviewOptions {
  /** How many sample rows. Default 10. 0 runs nothing. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A dry run. */
export function preview(
  submission: Submission,
  services: RunServices,
  jobName: string,
  parameters: Readonly<Record<string, unknown>> | undefined,
  { limit = 10, signal = new AbortController().signal }: PreviewOptions,
): ResultAsync<JobPreview, JobSubmitError> {
  return submission.plan(jobName, parameters, signal).andThen((planned) =>
    submission.typed(planned, signal, async () => {
      const { existing, createIfMissing, findings } = await submission.check(planned, signal);
      return {
        jobName: planned.job.name,
        schema: planned.description.schema,
        parameters: planned.description.parameters,
        tables: planned.description.tables,
        plan: planned.redactor.text(await services.engine.explain(planned.query, signal)),
        destination: {
          table: planned.resolved.table,
          existing,
          wouldBeCreated: existing === null && createIfMissing,
          findings,
          difference: describeFindings(findings),
        },
        rows: limit === 0 ? [] : await sample(planned, services, limit, signal),
      };
    }),
  );
}

async function sample(
  { query }: PlannedQuery,
  { engine }: RunServices,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const rows: Readonly<Record<string, unknown>>[] = [];
  try {
    const stream = await engine.stream(query, { signal, limit });
    try {
      for await (const batch of stream) rows.push(...batchRows(batch, stream.schema));
    } finally {
      await stream.close();
    }
  } catch (cause) {
    throw new JobError("sql_plan_failure", {
      message: "The sample rows could not be read",
      hint: "A run would fail likewise. The message tells what the engine said.",
      cause,
    });
  }
  return rows;
}
