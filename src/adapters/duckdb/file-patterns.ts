import { resolve } from "node:path";
import { JobError } from "../../model/job-error.js";

/** A path, several, or patterns with `*`, `**`, `?` and `[…]` as DuckDB knows them. Relative to the working directory. */
export type FilePatterns = string | readonly string[];

/**
 * The patterns as absolute ones.
 *
 * @param kind the connection's kind, for messages.
 * @throws JobError `invalid_definition` for what is no path on this machine.
 */
export function absolutePatterns(kind: string, patterns: FilePatterns): readonly string[] {
  const list = typeof patterns === "string" ? [patterns] : [...patterns];
  if (list.length === 0) throw invalidPath(kind, "at least one path is needed");
  for (const pattern of list) {
    if (typeof pattern !== "string" || pattern === "")
      throw invalidPath(kind, "a path must be a text that is not empty");
    if (pattern.includes("\0")) throw invalidPath(kind, "a path cannot hold a NUL");
    if (/^[a-z][a-z0-9+.-]+:/i.test(pattern)) {
      throw invalidPath(kind, `"${pattern.split(":")[0] ?? ""}:" names another place than this machine's file system`);
    }
  }
  return list.map((pattern) => resolve(pattern));
}

/** Whether a path stands for whatever files match it. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/** What reading the patterns touches: the files themselves, and for a pattern the folder above its first wildcard. */
export function touchedPaths(patterns: readonly string[]): readonly string[] {
  return patterns.map((pattern) => {
    const wildcard = pattern.search(/[*?[]/);
    return wildcard < 0 ? pattern : pattern.slice(0, pattern.lastIndexOf("/", wildcard) + 1);
  });
}

function invalidPath(kind: string, reason: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message: `${kind}() cannot be made: ${reason}.`,
    hint: "Give paths of local files; copy remote ones first.",
    field: "path",
  });
}

/** The pattern that matches just this file: DuckDB's readers take every path for a pattern. */
export function literalPattern(file: string): string {
  return file.replace(/[[*?]/g, (sign) => `[${sign}]`);
}
