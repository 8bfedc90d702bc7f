import { isJobError } from "../../model/job-error.js";
import { DefinitionFields } from "../definition-fields.js";
import { DefinitionProblems } from "../definition-problems.js";
import type { AnyJob } from "../job-definition.js";
import { jobFromSpec } from "../job-from-spec.js";
import { didYouMean } from "../nearest-name.js";
import type { JobFileProblem } from "./job-file-error.js";
import { parseYaml, syntaxProblems, type YamlDocument, type YamlFile } from "./parse-yaml.js";
import { PlainYaml, type AliasBudget, type ReportYaml, type YamlPlace } from "./plain-yaml.js";

/** A job of a file, with the place of its name. A job with a mistake has no definition. */
export interface FileJob {
  readonly name: unknown;
  readonly place: Pick<JobFileProblem, "file" | "line" | "column">;
  readonly job: AnyJob | undefined;
}

/** Kinds of document that may stand beside jobs. They are for others to read. */
const OTHER_KINDS = ["aliases", "context", "pipeline", "semantics"];
const ENVELOPE = ["kind", "metadata", "spec"];
/** The fields of a definition that stand under `metadata`; all others stand under `spec`. */
const METADATA = ["name", "version", "description"];
/** In values and characters of a file: what a thousand jobs share, and no bomb. */
const MOST_COPIED = 256 * 1024;

/** Every job of a file, and every mistake, from the file's top. */
export async function readJobFile(
  file: string,
  text: string,
): Promise<{ readonly jobs: readonly FileJob[]; readonly problems: readonly JobFileProblem[] }> {
  const parsed = await parseYaml(text);
  const found: (YamlPlace & { readonly message: string })[] = [];
  const report: ReportYaml = (place, message) => found.push({ ...place, message });
  const budget: AliasBudget = { left: MOST_COPIED };
  const lone = /\r(?!\n)/.exec(text);
  if (lone !== null) report({ offset: lone.index, field: "" }, "has a carriage return without a line feed");
  if (parsed.documents.length === 0) report({ offset: 0, field: "" }, "holds no document");
  const jobs = parsed.documents.flatMap((document) => {
    const read = readDocument(document, parsed, budget, report);
    return read === undefined ? [] : [{ ...read, place: { file, ...parsed.place(read.offset) } }];
  });
  const problems = found
    .sort((left, right) => left.offset - right.offset)
    .map(({ offset, field, message }) => ({ file, ...parsed.place(offset), field, message }));
  return { jobs, problems };
}

interface ReadDocument {
  readonly name: unknown;
  readonly offset: number;
  readonly job: AnyJob | undefined;
}

function readDocument(
  document: YamlDocument,
  file: YamlFile,
  budget: AliasBudget,
  report: ReportYaml,
): ReadDocument | undefined {
  const wrong = syntaxProblems(document);
  for (const { offset, message } of wrong) report({ offset, field: "" }, message);
  if (wrong.length > 0 || !isJob(document, file, report)) return undefined;
  const plain = new PlainYaml(file, budget, report);
  const root = plain.read(document.contents, "", { offset: startOf(document), field: "" });
  const problems = new DefinitionProblems();
  const spec = openEnvelope(root, problems);
  const job = readJob(spec, problems);
  for (const { field, message } of problems.all) {
    const place = plain.placeOf(field);
    if (!plain.isRefused(place.field)) report(place, message);
  }
  return { name: spec["name"], offset: plain.placeOf("metadata.name").offset, job };
}

/** Whether a document is for us. One of another kind is skipped, an empty one too; one without a kind is a mistake. */
function isJob({ contents }: YamlDocument, { yaml }: YamlFile, report: ReportYaml): boolean {
  if (yaml.isScalar(contents) && contents.source === "" && contents.tag === undefined) return false;
  const place = { offset: contents?.range[0] ?? 0, field: "" };
  if (!yaml.isMap(contents)) {
    report(place, "must be a mapping with kind, metadata and spec");
    return false;
  }
  const kinds = contents.items.filter(({ key }) => yaml.isScalar(key) && key.value === "kind");
  const [kind] = kinds.map(({ value }) => (yaml.isScalar(value) ? value.value : null));
  // A second one is found with all other keys that are given twice.
  if (kind === "job" || kinds.length > 1) return true;
  if (kind === undefined) report(place, 'needs its kind: "kind: job"');
  else if (!OTHER_KINDS.some((other) => other === kind)) {
    const meant = typeof kind === "string" ? didYouMean(kind, ["job", ...OTHER_KINDS]) : "";
    report(
      { offset: kinds[0]?.key.range[0] ?? 0, field: "kind" },
      `is none of job, ${OTHER_KINDS.join(", ")}.${meant}`,
    );
  }
  return false;
}

/** The definition as code would give it. */
function openEnvelope(root: unknown, problems: DefinitionProblems): Readonly<Record<string, unknown>> {
  const fields = new DefinitionFields(root, "", ENVELOPE, problems);
  const part = (key: string, known?: readonly string[]) =>
    new DefinitionFields(fields.has(key) ? fields.get(key) : {}, key, known, problems);
  const metadata = part("metadata", METADATA);
  const spec = part("spec");
  for (const key of METADATA) if (spec.has(key)) spec.add(key, "belongs under metadata");
  const pick = (from: DefinitionFields, keys: readonly string[]) => keys.map((key) => [key, from.get(key)] as const);
  return Object.fromEntries<unknown>([
    ...pick(
      spec,
      spec.keys().filter((key) => !METADATA.includes(key)),
    ),
    ...pick(metadata, METADATA),
  ]);
}

/** Undefined for a definition with mistakes, which are put down by the fields of the file. */
function readJob(spec: Readonly<Record<string, unknown>>, problems: DefinitionProblems): AnyJob | undefined {
  const found = new DefinitionProblems();
  try {
    return jobFromSpec(spec, found);
  } catch (thrown) {
    if (!isJobError(thrown, "invalid_definition")) throw thrown;
    for (const { field, message } of found.all) {
      const [first = ""] = /^\w*/.exec(field) ?? [];
      problems.add(`${METADATA.includes(first) ? "metadata" : "spec"}.${field}`, message);
    }
    return undefined;
  }
}

function startOf({ contents }: YamlDocument): number {
  return contents?.range[0] ?? 0;
}
