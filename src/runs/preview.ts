import { batchRows } from "../model/batch-values.js";
import type { DataType } from "../model/data-type.js";
import { JobError } from "../model/job-error.js";
import { describeFindings, type SchemaFinding } from "../model/schema-difference.js";
import type { TableSchema } from "../model/table-schema.js";
import type { EngineQuery, ExplainedScan, QueryExplanation } from "../ports/query-engine.js";
import { JobState, refuseMisfitState, type JobStateValue } from "./job-state.js";
import { ABORT_SIGNAL, wholeNumber, type OptionRule } from "./option-check.js";
import type { RunServices } from "./run-services.js";
import type { PlannedQuery, Submission } from "./submission.js";
import { optionsFault } from "./submit-options.js";
import { typed } from "./submit-failure.js";
import { NEVER_ABORTED, unlessAborted } from "./waiting.js";
import { hasSecrets, withoutSecrets } from "./without-secrets.js";

/** What a run would do. Nothing was written, to the ledger or to the destination. */
export interface JobPreview {
  readonly jobName: string;
  /** The columns that the query yields. */
  readonly schema: TableSchema;
  /** The types that the parameters have in the plan; null where the engine cannot say. */
  readonly parameters: ReadonlyMap<string, DataType | null>;
  /** What the query is bound with for each `{last.<name>}`: what the last run left, or the initial value. */
  readonly state: readonly JobStateValue[];
  /** The tables that the query reads. */
  readonly tables: readonly string[];
  /** The engine's plan as text, with what it reads of each table; other values stand in the place of secret ones. */
  readonly plan: string;
  /** What crosses the wire: columns, filters and limits of each table that the engine does not read by itself. */
  readonly scans: readonly ExplainedScan[];
  readonly destination: DestinationPreview;
  /** The first rows, as plain values. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface DestinationPreview {
  readonly table: string;
  /** What the table holds now; null when it is not there. */
  readonly existing: TableSchema | null;
  readonly wouldBeCreated: boolean;
  /**
   * The statement by which the run would make the table; null where it would make none (the table is there, may not be made,
   * or cannot keep the columns), and where the destination makes tables by no statement.
   */
  readonly createStatement: string | null;
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

const PREVIEW_OPTIONS: Readonly<Record<keyof PreviewOptions, OptionRule>> = {
  limit: wholeNumber(0, Number.MAX_SAFE_INTEGER, "a number of rows"),
  signal: ABORT_SIGNAL,
};

/** A dry run. Rejects with a `JobSubmitError`. */
export async function preview(
  submission: Submission,
  services: RunServices,
  jobName: string,
  parameters: Readonly<Record<string, unknown>> | undefined,
  options: PreviewOptions,
): Promise<JobPreview> {
  const fault = (given: unknown, name: string) => optionsFault("preview", given, PREVIEW_OPTIONS, name);
  const { limit = 10, signal = NEVER_ABORTED } = options ?? {};
  const initial = await submission.plan(jobName, { parameters, options, fault });
  return typed(initial, signal, async () => {
    const { planned, state } = await withStoredState(initial, signal);
    const { existing, createIfMissing, findings } = await submission.check(planned, signal);
    const { job, description } = planned;
    const { table, destination } = planned.resolved;
    const wouldBeCreated = existing === null && createIfMissing;
    const makesTable = wouldBeCreated && findings.length === 0;
    const createStatement = makesTable
      ? await destination.tableDefinition?.(description.schema, job.destination.mode)
      : undefined;
    return {
      jobName: planned.jobName,
      schema: description.schema,
      parameters: new Map([...description.parameters].filter(([name]) => planned.values.has(name))),
      state,
      tables: description.tables,
      ...(await explain(planned, services, signal)),
      destination: {
        table,
        existing,
        wouldBeCreated,
        createStatement: createStatement ?? null,
        findings,
        difference: describeFindings(findings),
      },
      rows: limit === 0 ? [] : await sample(planned, services, { signal, limit }),
    };
  });
}

async function withStoredState(
  planned: PlannedQuery,
  signal: AbortSignal,
): Promise<{ readonly planned: PlannedQuery; readonly state: readonly JobStateValue[] }> {
  const { job, resolved, query, description } = planned;
  if (!job.state) return { planned, state: [] };
  refuseMisfitState(resolved.table, job.state, description.schema);
  const state = await unlessAborted(signal, JobState.read(resolved, job.name, job.state, signal));
  const parameters = new Map([...query.parameters, ...state.values]);
  return { planned: { ...planned, query: { ...query, parameters } }, state: state.shown };
}

/** Made without the secrets: a plan breaks its lines anywhere, so that no text of it could be masked with certainty. */
async function explain(
  { query, redactor }: PlannedQuery,
  { engine }: RunServices,
  signal: AbortSignal,
): Promise<QueryExplanation> {
  const shown = async (explained: EngineQuery): Promise<QueryExplanation> => {
    const { plan, scans } = await unlessAborted(signal, engine.explain(explained, signal));
    const hidden = redactor();
    return {
      plan: hidden.text(plan),
      scans: scans.map(({ asked, ...scan }) => ({
        ...scan,
        ...(asked !== undefined && { asked: hidden.text(asked) }),
      })),
    };
  };
  if (!hasSecrets(query)) return shown(query);
  try {
    return await shown(withoutSecrets(query));
  } catch {
    signal.throwIfAborted();
    return { plan: "The plan depends on a secret parameter, so it is not shown.", scans: [] };
  }
}

async function sample(
  { query }: PlannedQuery,
  { engine }: RunServices,
  { signal, limit }: { readonly signal: AbortSignal; readonly limit: number },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const rows: Readonly<Record<string, unknown>>[] = [];
  try {
    const stream = await unlessAborted(signal, engine.stream(query, { signal, limit }));
    try {
      for await (const batch of stream) for (const row of batchRows(batch, stream.schema)) rows.push(row);
    } finally {
      await stream.close();
    }
  } catch (cause) {
    const secret = hasSecrets(query);
    throw new JobError("sql_plan_failure", {
      message: `The sample rows could not be read${secret ? ". What the engine said could quote a secret parameter." : ""}`,
      hint: `A run would fail likewise.${secret ? "" : " The message tells what the engine said."}`,
      ...(!secret && { cause }),
    });
  }
  return rows;
}
