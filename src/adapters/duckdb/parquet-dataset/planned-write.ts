import { JobError } from "../../../model/job-error.js";
import { canonicalJson, type JsonValue } from "../../../model/json.js";
import { stateConflict } from "../../../model/write-refusals.js";
import { describeFindings, schemaDifference } from "../../../model/schema-difference.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { isKeyed, type KeyedMode, type WriteModeKind } from "../../../model/write-mode.js";
import type { StateChange, WriteRequest } from "../../../ports/job-destination.js";
import type { DataFile, LogEntry, Manifest, StoredColumn } from "./manifest.js";
import type { NextVersion } from "./manifest-log.js";
import { canPartition, parquetStorage, storedType } from "./parquet-storage.js";

/** How a connection lays out a table. */
export interface TableLayout {
  readonly table: string;
  /** Undefined: as the table is, and a new one is not partitioned. */
  readonly partitionBy: readonly string[] | undefined;
  readonly overwrite: "table" | "partitions";
}

/** A write, checked against the table that it found. */
export interface PlannedWrite {
  /** For messages. */
  readonly table: string;
  readonly commitId: string;
  readonly mode: WriteModeKind;
  readonly replaces: TableLayout["overwrite"];
  readonly columns: readonly StoredColumn[];
  readonly partitionBy: readonly string[];
}

/** A write whose rows all lie in files that nobody knows of yet. */
export interface StagedWrite extends PlannedWrite {
  readonly staged: readonly DataFile[];
  readonly rows: number;
  readonly state: StateChange | undefined;
}

/** @throws JobError for what cannot be written into the table, or may not make it. */
export function planWrite(newest: Manifest | null, request: WriteRequest, layout: TableLayout): PlannedWrite {
  const { commitId, mode, schema, createIfMissing } = request;
  if (isKeyed(mode)) throw refusedKeys(mode);
  const existing = newest?.columns ?? null;
  if (existing === null && !createIfMissing) throw missingTable();
  const findings = schemaDifference({
    produced: schema,
    existing: existing && schemaOf(existing),
    storage: parquetStorage,
  });
  if (findings.length > 0) throw mismatch(describeFindings(findings), ...findings.map(({ column }) => column));
  const columns = existing ?? schema.columns.map(({ name, type }) => ({ name, type: storedType(type) }));
  const partitionBy = (existing === null ? layout.partitionBy : newest?.partitionBy) ?? [];
  checkPartitions(columns, partitionBy, layout.partitionBy);
  return { table: layout.table, commitId, mode: mode.kind, replaces: layout.overwrite, columns, partitionBy };
}

/** @throws JobError when the newest version, or one that came between, stands against the write. */
export function nextVersion(
  write: StagedWrite,
  author: string,
  newest: Manifest | null,
  since: readonly LogEntry[],
): NextVersion {
  for (const entry of since) refuseAfter(entry, write.commitId, author);
  const { commitId, mode, rows, columns, partitionBy, state } = write;
  if (newest?.columns && canonicalJson(jsonOf(newest)) !== canonicalJson(jsonOf(write))) {
    throw mismatch("another write made or changed the table meanwhile, with other columns or partitions");
  }
  if (state !== undefined && canonicalJson(stateIn(newest, state.key)) !== canonicalJson(state.from)) {
    throw stateConflict(write.table, state.key);
  }
  return {
    act: { kind: "commit", commitId, mode, rows },
    columns,
    partitionBy,
    files: withoutEmpty([...keptFiles(write, newest), ...write.staged]),
    states: { ...newest?.states, ...(state && { [state.key]: state.to }) },
  };
}

/** The commit of this id has been settled before. */
export function alreadySettled(commitId: string, landed: boolean): JobError<"destination_failed"> {
  return new JobError("destination_failed", {
    message: landed
      ? `The commit ${commitId} is in the table already.`
      : `The commit ${commitId} was given up: it was settled as never landed.`,
    hint: "A commit id is used once. Submit the run again.",
    retryable: false,
  });
}

/** What writes with this key left; null: nothing. */
export function stateIn(newest: Manifest | null, key: string): JsonValue {
  const states = newest?.states ?? {};
  return Object.hasOwn(states, key) ? (states[key] ?? null) : null;
}

export function schemaOf(columns: readonly StoredColumn[]): TableSchema {
  return { columns: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
}

function keptFiles({ mode, replaces, partitionBy, staged }: StagedWrite, newest: Manifest | null): readonly DataFile[] {
  const files = newest?.files ?? [];
  if (mode !== "overwrite") return files;
  if (replaces === "table" || partitionBy.length === 0) return [];
  const touched = new Set(staged.filter(({ rows }) => rows > 0).map(({ partition }) => JSON.stringify(partition)));
  return files.filter(({ partition }) => !touched.has(JSON.stringify(partition)));
}

/** A file without rows only serves a table that has no other. */
function withoutEmpty(files: readonly DataFile[]): readonly DataFile[] {
  const full = files.filter(({ rows }) => rows > 0);
  return full.length > 0 ? full : files.slice(-1);
}

function refuseAfter({ act }: LogEntry, commitId: string, author: string): void {
  if (act.kind !== "sweep" && act.commitId === commitId) throw alreadySettled(commitId, act.kind === "commit");
  if (act.kind === "sweep" && act.folders.includes(author)) throw swept();
}

function checkPartitions(
  columns: readonly StoredColumn[],
  partitionBy: readonly string[],
  asked: readonly string[] | undefined,
): void {
  if (asked !== undefined && asked.join("\0") !== partitionBy.join("\0")) {
    const is = partitionBy.length === 0 ? "not partitioned" : `partitioned by ${partitionBy.join(", ")}`;
    throw mismatch(`the table is ${is}, and the connection asks for ${asked.join(", ") || "no partitions"}`, ...asked);
  }
  for (const name of partitionBy) {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) throw mismatch(`there is no column "${name}" to partition by`, name);
    if (!canPartition(column.type)) {
      throw mismatch(
        `column "${name}" cannot name partitions: that takes text, integers, dates, booleans or UUIDs`,
        name,
      );
    }
  }
}

function jsonOf({ columns, partitionBy }: Pick<Manifest, "columns" | "partitionBy">): JsonValue {
  return JSON.parse(JSON.stringify({ columns, partitionBy })) as JsonValue;
}

function mismatch(what: string, ...columns: readonly string[]): JobError<"schema_mismatch"> {
  return new JobError("schema_mismatch", {
    message: `The rows cannot be stored in the table: ${what}.`,
    hint: "Change the query, or write another table.",
    columns,
  });
}

function missingTable(): JobError<"destination_missing"> {
  return new JobError("destination_missing", {
    message: "The dataset has no such table.",
    hint: "Let the job make it: createIfMissing: true.",
  });
}

function refusedKeys({ kind }: KeyedMode): JobError<"unsupported_write_mode"> {
  return new JobError("unsupported_write_mode", {
    message: `A Parquet dataset finds no rows by keys, as ${kind} would need.`,
    hint: 'Append, or overwrite whole partitions: overwrite: "partitions" of parquetDataset().',
    mode: kind,
  });
}

function swept(): JobError<"destination_failed"> {
  return new JobError("destination_failed", {
    message: "The write took longer than pruning waits for a writer: what it had staged was swept away.",
    hint: "Raise abandonedAfterMs of prune(), or run it when nothing is written.",
  });
}
