import type { DataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt, WriteMode } from "../../model/write-mode.js";
import type { JobDestination, StateChange } from "../../ports/job-destination.js";
import type { SampleValue } from "../rows/column-buffers.js";
import type { SampleRow } from "../rows/record-batch.js";
import { rowStreamOf, type StreamStep } from "../rows/row-stream-of.js";

/** What a factory gives for each clause: one empty system, and two ways into it. */
export interface DestinationFixture {
  /** A destination for the table of this name. Each call stands for another process that writes the same system. */
  destination(table: string): JobDestination;
  /** A table's rows, by a way that does not go through the destination; null when the table is not there. */
  read(table: string): Promise<readonly Readonly<Record<string, unknown>>[] | null>;
  /** Makes an empty table. Needed by a destination that does not make tables; others are asked to write no rows. */
  prepare?(table: string, schema: TableSchema): Promise<void>;
  /** What `read` gives for a value of this type. Default: the value itself. */
  readsAs?(type: DataType, value: SampleValue): unknown;
  dispose?(): Promise<void>;
}

export const TABLE = "results";

/** The columns of the rows that most clauses write. */
export const SAMPLE: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
    { name: "label", type: { kind: "text" }, nullable: true },
  ],
};

/** `count` rows of {@link SAMPLE}, numbered from `first`. */
export function sampleRows(first: number, count: number): readonly SampleRow[] {
  return Array.from({ length: count }, (_, index) => ({ id: first + index, label: `row ${first + index}` }));
}

/** One write as a clause describes it; what is left out is an append of no rows, under a commit id of its own. */
export interface Trial {
  readonly commitId: CommitId;
  readonly table?: string;
  readonly schema?: TableSchema;
  readonly mode?: "append" | "overwrite" | WriteMode;
  readonly steps?: readonly StreamStep[];
  readonly createIfMissing?: boolean;
  readonly state?: StateChange | (() => StateChange);
  readonly signal?: AbortSignal;
  /** Called at the permit; what it throws refuses the permit. */
  readonly atPermit?: (rowsStaged: number) => void | Promise<void>;
  readonly onProgress?: (rows: number) => void;
}

/** What a write that landed gave. */
export interface Landed {
  readonly receipt: CommitReceipt;
  /** The receipt that the permit gave. */
  readonly issued: CommitReceipt | undefined;
  /** What each call for a permit said it had staged. */
  readonly permits: readonly number[];
}

/** Plays the executor for one write. */
export async function write(destination: JobDestination, trial: Trial): Promise<Landed> {
  const { commitId, schema = SAMPLE, signal = new AbortController().signal, mode = "append", state } = trial;
  const permits: number[] = [];
  let issued: CommitReceipt | undefined;
  const receipt = await destination.write(rowStreamOf(schema, trial.steps ?? [], signal), {
    commitId,
    mode: typeof mode === "string" ? { kind: mode } : mode,
    schema,
    createIfMissing: trial.createIfMissing ?? false,
    ...(state && { state: () => (typeof state === "function" ? state() : state) }),
    signal,
    onProgress: (rows) => trial.onProgress?.(rows),
    permit: async ({ rowsStaged }) => {
      permits.push(rowsStaged);
      await trial.atPermit?.(rowsStaged);
      signal.throwIfAborted();
      return {
        committed: ({ snapshotId = null, rowsWritten = rowsStaged } = {}) => {
          issued = { commitId, rowsWritten, snapshotId };
          return issued;
        },
      };
    },
  });
  return { receipt, issued, permits };
}

/** Makes the table, and fills it with so many rows of {@link SAMPLE}, numbered from 1. */
export async function tableWith(fixture: DestinationFixture, count: number, table = TABLE): Promise<JobDestination> {
  await emptyTable(fixture, table, SAMPLE);
  const destination = fixture.destination(table);
  if (count > 0) await write(destination, { commitId: `${table}-before`, table, steps: [sampleRows(1, count)] });
  return destination;
}

export async function emptyTable(fixture: DestinationFixture, table: string, schema: TableSchema): Promise<void> {
  if (fixture.prepare) return fixture.prepare(table, schema);
  await write(fixture.destination(table), { commitId: `${table}-made`, table, schema, createIfMissing: true });
}

/** The numbers of the sample rows in a table, in order; null when the table is not there. */
export async function idsIn(fixture: DestinationFixture, table = TABLE): Promise<readonly number[] | null> {
  const rows = await fixture.read(table);
  return rows && rows.map((row) => Number(row["id"])).sort((left, right) => left - right);
}

/** The sample rows in a table as pairs, in order of their numbers. A column that a row does not have counts as null. */
export async function labelsById(fixture: DestinationFixture): Promise<readonly (readonly [number, unknown])[]> {
  const pairs = ((await fixture.read(TABLE)) ?? []).map((row) => [Number(row["id"]), row["label"] ?? null] as const);
  return pairs.sort(([left], [right]) => left - right);
}

export function numbersUpTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
