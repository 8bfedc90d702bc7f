import { err, ok, ResultAsync, type Result } from "neverthrow";
import type { JobDefinition } from "../job-definition.js";
import { JobFileError, type JobFileProblem } from "./job-file-error.js";
import { readJobFile, type FileJob } from "./read-job-file.js";
import { readJobFiles } from "./read-job-files.js";

/**
 * The jobs of YAML files; `docs/guides/job-files.md` has the fields. The same job from a file and from `defineJob` is
 * equal. The parser is loaded by the first call.
 *
 * @param paths each a file, or a folder of which every `*.yaml` and `*.yml` is read, in the order of their names, without
 * the folders in it.
 * @returns the jobs in the order of the text, or a {@link JobFileError} with every mistake of all files: then no job is
 * loaded.
 */
export function loadJobs(paths: string | URL | readonly (string | URL)[]): ResultAsync<JobDefinition[], JobFileError> {
  return new ResultAsync(load(Array.isArray(paths) ? paths : [paths]));
}

async function load(paths: readonly (string | URL)[]): Promise<Result<JobDefinition[], JobFileError>> {
  const jobs: JobDefinition[] = [];
  const problems: JobFileProblem[] = [];
  const named = new Map<unknown, FileJob>();
  for (const path of paths) {
    for await (const found of readJobFiles(path)) {
      if ("unreadable" in found) {
        problems.push({ file: found.file, line: null, column: null, field: "", message: found.unreadable });
        continue;
      }
      const read = await readJobFile(found.file, found.text);
      for (const problem of read.problems) problems.push(problem);
      for (const one of read.jobs) {
        const earlier = typeof one.name === "string" ? named.get(one.name) : undefined;
        if (earlier === undefined) named.set(one.name, one);
        else problems.push(sameName(one, earlier));
        if (one.job !== undefined) jobs.push(one.job as JobDefinition);
      }
    }
  }
  return problems.length === 0 ? ok(jobs) : err(new JobFileError(problems));
}

function sameName(job: FileJob, earlier: FileJob): JobFileProblem {
  const { file, line, column } = earlier.place;
  const message = `is the name of another job too, at ${file}:${line}:${column}`;
  return { ...job.place, field: "metadata.name", message };
}
