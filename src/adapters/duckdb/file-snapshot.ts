import { stat } from "node:fs/promises";
import { JobError } from "../../model/job-error.js";
import type { Look } from "./duckdb-relation.js";
import { isPattern } from "./file-patterns.js";
import { quoteText } from "./quote.js";

/** The files that patterns stand for at one moment. */
export interface FileSnapshot {
  readonly files: readonly string[];
  /** Equal only when the same files have the same size and time. */
  readonly fingerprint: string;
}

/** @throws JobError `connection_unavailable` when a pattern matches no file. */
export async function fileSnapshot(patterns: readonly string[], look: Look): Promise<FileSnapshot> {
  const files: string[] = [];
  for (const pattern of patterns) files.push(...(isPattern(pattern) ? await matches(pattern, look) : [pattern]));
  const marks: unknown[] = [];
  // A few at a time: each takes one of libuv's threads.
  for (let first = 0; first < files.length; first += 4) {
    marks.push(...(await Promise.all(files.slice(first, first + 4).map(mark))));
  }
  return { files, fingerprint: JSON.stringify(marks) };
}

async function mark(file: string): Promise<unknown> {
  const { size, mtimeMs, ino } = await stat(file).catch((error: unknown) => Promise.reject(notThere(file, error)));
  return [file, size, mtimeMs, ino];
}

async function matches(pattern: string, look: Look): Promise<readonly string[]> {
  const rows = await look(`select file from glob(${quoteText(pattern)}) order by file`);
  if (rows.length === 0) throw notThere(pattern);
  return rows.map(({ file }) => String(file));
}

function notThere(path: string, cause?: unknown): JobError<"connection_unavailable"> {
  return new JobError("connection_unavailable", {
    message: `There is no file at ${path}.`,
    hint: "Paths are relative to the process's working directory; give absolute ones to be sure.",
    cause,
  });
}
