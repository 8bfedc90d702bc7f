import type { DataType } from "../../../model/data-type.js";
import { JobError } from "../../../model/job-error.js";
import type { JsonValue } from "../../../model/json.js";
import type { CommitId, WriteModeKind } from "../../../model/write-mode.js";

/** The newest form of a manifest that this code reads, and the one it writes. */
const FORMAT = 1;

/**
 * One version in a table's log. Its name is its number, and stays taken for ever: who meets a name in use must look at
 * what came before, so no writer can believe in a version that is not the newest.
 */
export interface LogEntry {
  /** From 1, without gaps. */
  readonly version: number;
  readonly act: LogAct;
  /** The folder in which the act was prepared: tells its author its own work. */
  readonly author: string;
  /** What became of the commits since {@link recentSince}, this one included; cut down where nobody looks for it. */
  readonly recent: readonly SettledCommit[];
}

/** A version with all that makes up its snapshot. Of a pruned one only the {@link LogEntry} is left. */
export interface Manifest extends LogEntry {
  /** Null: there is no table yet, only commits that were settled before it was made. */
  readonly columns: readonly StoredColumn[] | null;
  readonly partitionBy: readonly string[];
  readonly files: readonly DataFile[];
  /** What writes remembered beside their rows, by key. */
  readonly states: Readonly<Record<string, JsonValue>>;
}

export type LogAct =
  | { readonly kind: "commit"; readonly commitId: CommitId; readonly mode: WriteModeKind; readonly rows: number }
  /** The commit did not land, and cannot any more: a writer that comes later finds this before it can publish. */
  | { readonly kind: "never"; readonly commitId: CommitId }
  /** What writers left in these folders is about to be removed: who is still at work in one may not publish. */
  | { readonly kind: "sweep"; readonly folders: readonly string[] };

export interface SettledCommit {
  readonly commitId: CommitId;
  readonly version: number;
  /** Null: it never landed. */
  readonly rows: number | null;
}

/** Every column takes nulls. */
export interface StoredColumn {
  readonly name: string;
  readonly type: DataType;
}

/** One Parquet file, which holds all columns, those of its partition included. */
export interface DataFile {
  /** Below the table's folder, with `/` between its parts. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Texts of the values that all its rows have in the columns of `partitionBy`, in their order. */
  readonly partition: readonly (string | null)[];
}

/** How many commits the newest manifests carry with them at most: a look-up reads one manifest for as many versions. */
export const RECENT = 256;

/** The newest version that the `recent` of this one does not speak of. */
export function recentSince(version: number): number {
  return Math.floor((version - 1) / RECENT) * RECENT;
}

export function isWhole(entry: LogEntry): entry is Manifest {
  return "files" in entry;
}

export function formatEntry(entry: LogEntry): string {
  return `${JSON.stringify({ format: FORMAT, ...entry })}\n`;
}

/**
 * @param path for messages.
 * @throws JobError `connection_unavailable` for what is no manifest, or one of a newer form.
 */
export function parseEntry(text: string, version: number, path: string): LogEntry | Manifest {
  const value = parsed(text, path);
  const { format } = value;
  if (typeof format === "number" && format > FORMAT) {
    throw new JobError("connection_unavailable", {
      message: `${path} has format ${format}, and this version of Millrace knows formats up to ${FORMAT}.`,
      hint: "The dataset was written by a newer version: update Millrace.",
      retryable: false,
    });
  }
  if (format !== FORMAT || value["version"] !== version || !isEntry(value)) throw broken(path);
  if (isWhole(value) && !value.files.every(({ path: file }) => isInside(file))) throw broken(path);
  return value;
}

function parsed(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // Told below.
  }
  throw broken(path);
}

/** Only Millrace writes here, and a manifest appears whole or not at all: its outline tells it from garbage. */
function isEntry(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & LogEntry {
  const { act, recent, author, files } = value;
  if (!isRecord(act) || !Array.isArray(recent) || typeof author !== "string") return false;
  if (files === undefined) return true;
  return Array.isArray(files) && Array.isArray(value["partitionBy"]) && isRecord(value["states"]) && "columns" in value;
}

/** A manifest names no file outside its table (law 13). */
function isInside(path: unknown): boolean {
  return typeof path === "string" && path.startsWith("data/") && !path.split("/").includes("..");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function broken(path: string): JobError<"connection_unavailable"> {
  return new JobError("connection_unavailable", {
    message: `${path} is not a manifest that Millrace wrote, or it was damaged.`,
    hint: "Restore the file from a backup. The versions before it can still be read by their number.",
    retryable: false,
  });
}
