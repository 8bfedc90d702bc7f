import type { RecordBatch } from "apache-arrow";
import type { BoundValue } from "../jobs/bound-value.js";
import { fitValue } from "../jobs/fit-value.js";
import { statePlace } from "../jobs/placeholders.js";
import { ValueProblem } from "../jobs/value-problem.js";
import { formatDataType } from "../model/data-type.js";
import type { ParameterValue, StateDeclaration } from "../model/job-definition.js";
import { JobError } from "../model/job-error.js";
import type { JsonValue } from "../model/json.js";
import { losslessStorage } from "../model/lossless-storage.js";
import type { TableSchema } from "../model/table-schema.js";
import type { JobDestination, StateChange } from "../ports/job-destination.js";
import type { RowStream } from "../ports/row-stream.js";
import type { ResolvedDestination } from "./connections.js";
import { fartherValue } from "./farther-value.js";
import { lastValue, type LastValue } from "./last-value.js";
import { misbehaved } from "./misbehaved.js";
import { unavailable } from "./preflight.js";

/** What a destination stores of a job, by the names of its states. */
type StoredState = Readonly<Record<string, JsonValue>>;

/** What a query is bound with for each `{last.<name>}`, by that place. */
export type StateValues = ReadonlyMap<string, BoundValue>;

/** What the first run of a job is bound with. */
export function initialValues(state: readonly StateDeclaration[] = []): StateValues {
  return boundValues(state, new Map());
}

/** One thing that a job remembers, as its query would be bound with it now. */
export interface JobStateValue {
  /** As in `{last.<name>}`. */
  readonly name: string;
  /** In its kept form. */
  readonly value: ParameterValue;
  /** False: no run has left a value yet, and this is the initial one. */
  readonly stored: boolean;
}

/** @throws JobError `unsupported_state`. */
export function refuseUnsupportedState({ destination, table }: ResolvedDestination): void {
  if (destination.capabilities.state === true && destination.readState) return;
  throw new JobError("unsupported_state", {
    message: `Destination "${table}" cannot keep what a job remembers together with its rows.`,
    hint: "Write to a destination whose capabilities say state: true, or leave the job's state out.",
    field: "state",
    table,
  });
}

/**
 * Whether the query yields every column that the job remembers, in a type whose values all are values of the declared one.
 *
 * @throws JobError `schema_mismatch`, naming the state in `field`.
 */
export function refuseMisfitState(table: string, state: readonly StateDeclaration[], { columns }: TableSchema): void {
  for (const { name, type, column } of state) {
    const found = columns.find((one) => one.name === column);
    const refuse = (message: string, hint: string): never => {
      throw new JobError("schema_mismatch", { message, hint, field: `state.${name}`, table, columns: [column] });
    };
    if (!found) {
      refuse(
        `The job remembers column "${column}" as {${statePlace(name)}}, and the query does not yield it.`,
        `Select the column, or name another in state.${name}.column.`,
      );
    } else if (found.type.kind === "enum" || found.type.kind === "json" || found.type.kind === "null") {
      refuse(
        `The job remembers column "${column}", which is ${formatDataType(found.type)}: its values have no order to go by.`,
        `Cast it to ${formatDataType(type)} in the query.`,
      );
    } else if (!losslessStorage(found.type, type).stored) {
      refuse(
        `The job remembers column "${column}" as ${formatDataType(type)}, and not every ${formatDataType(found.type)} is one.`,
        `Cast it in the query, or declare state.${name}.type as ${formatDataType(found.type)}.`,
      );
    }
  }
}

/** The state of a job as one attempt read it, and as its commit will leave it. */
export class JobState {
  readonly #next = new Map<string, ParameterValue>();
  #passed = false;
  #asked = false;

  private constructor(
    private readonly jobName: string,
    private readonly table: string,
    private readonly declared: readonly StateDeclaration[],
    /** What the destination has stored, as it is; null: nothing. */
    private readonly stored: StoredState | null,
    /** By name; what is not there yet is at its initial value. */
    private readonly known: ReadonlyMap<string, ParameterValue>,
  ) {}

  /** @throws JobError `unsupported_state`, `connection_unavailable`, or `schema_mismatch` for what does not fit its type. */
  static async read(
    resolved: ResolvedDestination,
    jobName: string,
    declared: readonly StateDeclaration[],
    signal: AbortSignal,
  ): Promise<JobState> {
    refuseUnsupportedState(resolved);
    const { table, connection, destination } = resolved;
    const stored = await storedState(destination, jobName, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unavailable(error, connection, table);
    });
    if (stored !== null && !isRecord(stored)) {
      throw unusable(table, jobName, {
        message: "is no object of values by their names",
        hint: "Somebody changed it by hand: put it right, or delete it for the job to begin anew.",
        field: "state",
      });
    }
    return new JobState(jobName, table, declared, stored, knownValues(table, jobName, declared, stored ?? {}));
  }

  /** What the query is bound with. */
  get values(): StateValues {
    return boundValues(this.declared, this.known);
  }

  get shown(): readonly JobStateValue[] {
    return this.declared.map(({ name, initial }) => {
      return { name, value: this.known.get(name) ?? initial, stored: this.known.has(name) };
    });
  }

  /**
   * The same rows, looked at as they pass. They have no door but the first: what the engine writes by itself, nobody sees.
   */
  watching(rows: RowStream): RowStream {
    return { schema: rows.schema, close: () => rows.close(), [Symbol.asyncIterator]: () => this.#watched(rows) };
  }

  async *#watched(rows: RowStream): AsyncGenerator<RecordBatch> {
    const { columns } = rows.schema;
    const lasts = this.declared.map((declaration) => {
      const index = columns.findIndex(({ name }) => name === declaration.column);
      return { declaration, index, last: lastValue(columns[index]!.type, declaration.take) };
    });
    for await (const batch of rows) {
      for (const { index, last } of lasts) last.take(batch.data.children[index]!);
      yield batch;
    }
    for (const { declaration, last } of lasts) this.#keep(declaration, last);
    this.#passed = true;
  }

  /**
   * What the commit stores. What this definition does not declare stays: a run of an older or a newer one, begun or redriven
   * meanwhile, goes on from it.
   *
   * @throws JobError `destination_misbehaved` while rows are still to come.
   */
  change(): StateChange {
    if (!this.#passed) throw misbehaved("asked for the job's state before the end of the rows");
    this.#asked = true;
    const values = this.declared.flatMap(({ name }) => {
      const value = this.#next.get(name) ?? this.known.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return { key: this.jobName, from: this.stored, to: { ...this.stored, ...Object.fromEntries(values) } };
  }

  /** @throws JobError `destination_misbehaved` where the rows would land without the state: the next run would load them again. */
  mustBeTaken(): void {
    if (!this.#asked) throw misbehaved("asked for its permit without taking the job's state");
  }

  #keep(declaration: StateDeclaration, last: LastValue): void {
    const { name, column, type } = declaration;
    const value = last.value();
    if (value === undefined) return;
    try {
      if (typeof value === "number" && !Number.isFinite(value))
        throw new ValueProblem("is no number to compare with", "");
      const next = fitValue(value, type);
      const known = this.known.get(name);
      // A state that moved back would let rows in again that were loaded, and look like one that nobody had changed.
      this.#next.set(name, known === undefined ? next : fartherValue(declaration, known, next));
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error;
      throw new JobError("query_failed", {
        message: `The last value of column "${column}", which the job remembers as {${statePlace(name)}}, is none that a parameter takes (it is infinite, not a number, or outside the years 0001 to 9999): no later run could begin from it.`,
        hint: "Leave such rows out of the query, or take another column. Nothing was committed.",
        retryable: false,
        field: `state.${name}`,
        table: this.table,
        columns: [column],
      });
    }
  }
}

function boundValues(state: readonly StateDeclaration[], known: ReadonlyMap<string, ParameterValue>): StateValues {
  return new Map(
    state.map(({ name, type, initial }) => {
      return [statePlace(name), { type, value: known.get(name) ?? initial, secret: false }] as const;
    }),
  );
}

// A destination in plain JavaScript may throw instead of rejecting, or give undefined.
async function storedState(destination: JobDestination, key: string, signal: AbortSignal): Promise<JsonValue | null> {
  return (await destination.readState?.(key, signal)) ?? null;
}

function knownValues(
  table: string,
  jobName: string,
  declared: readonly StateDeclaration[],
  stored: StoredState,
): ReadonlyMap<string, ParameterValue> {
  const values = new Map(Object.entries(stored));
  return new Map(
    declared.flatMap(({ name, type }) => {
      const value = values.get(name);
      if (value === undefined) return [];
      try {
        if (value === null) throw new ValueProblem("is null", "");
        return [[name, fitValue(value, type)] as const];
      } catch (error) {
        if (!(error instanceof ValueProblem)) throw error;
        throw unusable(table, jobName, {
          message: `has a "${name}" that is no ${formatDataType(type)}: it ${error.message}`,
          hint: "Declare the type that it had before, or give the state a new name, which begins at its initial value.",
          field: `state.${name}`,
        });
      }
    }),
  );
}

function unusable(
  table: string,
  jobName: string,
  { message, ...rest }: { readonly message: string; readonly hint: string; readonly field: string },
): JobError {
  const state = `The state of job "${jobName}" in "${table}"`;
  return new JobError("schema_mismatch", { message: `${state} ${message}.`, ...rest, table, columns: [] });
}

function isRecord(value: JsonValue): value is StoredState {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
