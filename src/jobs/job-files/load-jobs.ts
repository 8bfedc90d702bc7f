import type { ResultAsync } from "neverthrow";
import type { JobDefinition } from "../job-definition.js";
import { jobFromSpec } from "../job-from-spec.js";
import type { JobFileError } from "./job-file-error.js";
import { loadSpecs } from "./load-specs.js";
import type { SpecKind } from "./spec-kind.js";

const JOBS: SpecKind<JobDefinition> = {
  kind: "job",
  name: "name",
  metadata: ["name", "version", "description"],
  read: (spec, problems) => jobFromSpec(spec, problems) as JobDefinition,
};

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
  return loadSpecs(JOBS, paths);
}
