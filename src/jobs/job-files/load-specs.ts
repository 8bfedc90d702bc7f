import { err, ok, ResultAsync, type Result } from "neverthrow";
import { JobFileError, type JobFileProblem } from "./job-file-error.js";
import { readJobFile, type FileSpec } from "./read-job-file.js";
import { readJobFiles } from "./read-job-files.js";
import type { SpecKind } from "./spec-kind.js";

/** The definitions of one kind in YAML files, in the order of the text, or every mistake of all files. */
export function loadSpecs<T>(
  kind: SpecKind<T>,
  paths: string | URL | readonly (string | URL)[],
): ResultAsync<T[], JobFileError> {
  return new ResultAsync(load(kind, Array.isArray(paths) ? paths : [paths]));
}

async function load<T>(kind: SpecKind<T>, paths: readonly (string | URL)[]): Promise<Result<T[], JobFileError>> {
  const specs: T[] = [];
  const problems: JobFileProblem[] = [];
  const named = new Map<unknown, FileSpec<T>>();
  for (const path of paths) {
    for await (const found of readJobFiles(path)) {
      if ("unreadable" in found) {
        problems.push({ file: found.file, line: null, column: null, field: "", message: found.unreadable });
        continue;
      }
      const read = await readJobFile(kind, found.file, found.text);
      for (const problem of read.problems) problems.push(problem);
      for (const one of read.specs) {
        const earlier = typeof one.name === "string" ? named.get(one.name) : undefined;
        if (earlier === undefined) named.set(one.name, one);
        else problems.push(sameName(kind, one, earlier));
        if (one.definition !== undefined) specs.push(one.definition);
      }
    }
  }
  return problems.length === 0 ? ok(specs) : err(new JobFileError(kind.kind, problems));
}

function sameName<T>({ kind, name }: SpecKind<T>, one: FileSpec<T>, earlier: FileSpec<T>): JobFileProblem {
  const { file, line, column } = earlier.place;
  const message = `is the ${name} of another ${kind} too, at ${file}:${line}:${column}`;
  return { ...one.place, field: `metadata.${name}`, message };
}
