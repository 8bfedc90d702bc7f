import { isJobError } from "../../model/job-error.js";
import { DefinitionFields } from "../definition-fields.js";
import { DefinitionProblems } from "../definition-problems.js";
import { didYouMean } from "../nearest-name.js";
import type { JobFileProblem } from "./job-file-error.js";
import { parseYaml, syntaxProblems, type YamlDocument, type YamlFile } from "./parse-yaml.js";
import { DOCUMENT_KINDS, type SpecKind } from "./spec-kind.js";
import { PlainYaml, type AliasBudget, type ReportYaml, type YamlPlace } from "./plain-yaml.js";

/** A definition of a file, with the place of its name. One with a mistake has no definition. */
export interface FileSpec<T> {
  readonly name: unknown;
  readonly place: Pick<JobFileProblem, "file" | "line" | "column">;
  readonly definition: T | undefined;
}

const ENVELOPE = ["kind", "metadata", "spec"];
/** In values and characters of a file: what a thousand jobs share, and no bomb. */
const MOST_COPIED = 256 * 1024;

/** Every definition of this kind in a file, and every mistake, from the file's top. */
export async function readJobFile<T>(
  kind: SpecKind<T>,
  file: string,
  text: string,
): Promise<{ readonly specs: readonly FileSpec<T>[]; readonly problems: readonly JobFileProblem[] }> {
  const parsed = await parseYaml(text);
  const found: (YamlPlace & { readonly message: string })[] = [];
  const report: ReportYaml = (place, message) => found.push({ ...place, message });
  const budget: AliasBudget = { left: MOST_COPIED };
  const lone = /\r(?!\n)/.exec(text);
  if (lone !== null) report({ offset: lone.index, field: "" }, "has a carriage return without a line feed");
  if (parsed.documents.length === 0) report({ offset: 0, field: "" }, "holds no document");
  const specs = parsed.documents.flatMap((document) => {
    const read = readDocument(kind, document, parsed, budget, report);
    return read === undefined ? [] : [{ ...read, place: { file, ...parsed.place(read.offset) } }];
  });
  const problems = found
    .sort((left, right) => left.offset - right.offset)
    .map(({ offset, field, message }) => ({ file, ...parsed.place(offset), field, message }));
  return { specs, problems };
}

interface ReadDocument<T> {
  readonly name: unknown;
  readonly offset: number;
  readonly definition: T | undefined;
}

function readDocument<T>(
  kind: SpecKind<T>,
  document: YamlDocument,
  file: YamlFile,
  budget: AliasBudget,
  report: ReportYaml,
): ReadDocument<T> | undefined {
  const wrong = syntaxProblems(document);
  for (const { offset, message } of wrong) report({ offset, field: "" }, message);
  if (wrong.length > 0 || !isAskedFor(kind.kind, document, file, report)) return undefined;
  const plain = new PlainYaml(file, budget, report);
  const root = plain.read(document.contents, "", { offset: startOf(document), field: "" });
  const problems = new DefinitionProblems();
  const spec = openEnvelope(kind, root, problems);
  const definition = readSpec(kind, spec, problems);
  for (const { field, message } of problems.all) {
    const place = plain.placeOf(field);
    if (!plain.isRefused(place.field)) report(place, message);
  }
  return { name: spec[kind.name], offset: plain.placeOf(`metadata.${kind.name}`).offset, definition };
}

/** Whether a document is for us. One of another kind is skipped, an empty one too; one without a kind is a mistake. */
function isAskedFor(asked: string, { contents }: YamlDocument, { yaml }: YamlFile, report: ReportYaml): boolean {
  if (yaml.isScalar(contents) && contents.source === "" && contents.tag === undefined) return false;
  const place = { offset: contents?.range[0] ?? 0, field: "" };
  if (!yaml.isMap(contents)) {
    report(place, "must be a mapping with kind, metadata and spec");
    return false;
  }
  const kinds = contents.items.filter(({ key }) => yaml.isScalar(key) && key.value === "kind");
  const [kind] = kinds.map(({ value }) => (yaml.isScalar(value) ? value.value : null));
  // A second one is found with all other keys that are given twice.
  if (kind === asked || kinds.length > 1) return true;
  if (kind === undefined) report(place, `needs its kind: "kind: ${asked}"`);
  else if (!DOCUMENT_KINDS.some((other) => other === kind)) {
    const meant = typeof kind === "string" ? didYouMean(kind, DOCUMENT_KINDS) : "";
    report({ offset: kinds[0]?.key.range[0] ?? 0, field: "kind" }, `is none of ${DOCUMENT_KINDS.join(", ")}.${meant}`);
  }
  return false;
}

/** The definition as code would give it. */
function openEnvelope<T>(
  { metadata: known }: SpecKind<T>,
  root: unknown,
  problems: DefinitionProblems,
): Readonly<Record<string, unknown>> {
  const fields = new DefinitionFields(root, "", ENVELOPE, problems);
  const part = (key: string, keys?: readonly string[]) =>
    new DefinitionFields(fields.has(key) ? fields.get(key) : {}, key, keys, problems);
  const metadata = part("metadata", known);
  const spec = part("spec");
  for (const key of known) if (spec.has(key)) spec.add(key, "belongs under metadata");
  const pick = (from: DefinitionFields, keys: readonly string[]) => keys.map((key) => [key, from.get(key)] as const);
  return Object.fromEntries<unknown>([
    ...pick(
      spec,
      spec.keys().filter((key) => !known.includes(key)),
    ),
    ...pick(metadata, known),
  ]);
}

/** Undefined for a definition with mistakes, which are put down by the fields of the file. */
function readSpec<T>(
  { metadata, read }: SpecKind<T>,
  spec: Readonly<Record<string, unknown>>,
  problems: DefinitionProblems,
): T | undefined {
  const found = new DefinitionProblems();
  try {
    return read(spec, found);
  } catch (thrown) {
    if (!isJobError(thrown, "invalid_definition")) throw thrown;
    for (const { field, message } of found.all) {
      const [first = ""] = /^\w*/.exec(field) ?? [];
      problems.add(`${metadata.includes(first) ? "metadata" : "spec"}.${field}`, message);
    }
    return undefined;
  }
}

function startOf({ contents }: YamlDocument): number {
  return contents?.range[0] ?? 0;
}
