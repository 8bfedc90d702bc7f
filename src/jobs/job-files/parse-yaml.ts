import type * as Yaml from "yaml";

export type YamlModule = typeof Yaml;
export type YamlDocument = Yaml.Document.Parsed<Yaml.ParsedNode>;

/** The documents of a file, and where an offset in its text lies. */
export interface YamlFile {
  readonly yaml: YamlModule;
  readonly documents: readonly YamlDocument[];
  readonly place: (offset: number) => { readonly line: number; readonly column: number };
}

/** Parses as YAML 1.2 with its core schema, and loads the parser when it is first needed. */
export async function parseYaml(text: string): Promise<YamlFile> {
  const yaml = await import("yaml");
  const lineCounter = new yaml.LineCounter();
  const documents = yaml.parseAllDocuments(text, {
    version: "1.2",
    schema: "core",
    merge: false,
    // Of the known tags none is taken, and the parser would convert by them.
    resolveKnownTags: false,
    // Whole numbers of every size come through exactly.
    intAsBigInt: true,
    // Its own search for equal keys takes time that grows with the square of their number.
    uniqueKeys: false,
    lineCounter,
    prettyErrors: false,
    logLevel: "silent",
  });
  const place = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  return { yaml, documents: "empty" in documents ? [] : documents, place };
}

/** Whose messages, as the parser writes them, are of no use here or quote what stands in the file. */
const OWN_WORDS: Partial<Record<Yaml.ErrorCode, string>> = {
  RESOURCE_EXHAUSTION: "is nested too deeply",
  BAD_DIRECTIVE: "begins with an unknown directive",
  BAD_DQ_ESCAPE: "is no YAML: invalid escape sequence",
};

/** What keeps a document from being read. No text of the file is quoted: it may hold a secret. */
export function syntaxProblems(
  document: YamlDocument,
): readonly { readonly offset: number; readonly message: string }[] {
  if (document.directives.yaml.version === "1.1") return [{ offset: 0, message: "is YAML 1.1, and 1.2 is needed" }];
  const directives = document.warnings.filter(({ code }) => code === "BAD_DIRECTIVE");
  // Where the parser gave up, each bracket that is still open would be one more.
  const exhausted = document.errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  return (exhausted ? [exhausted] : [...document.errors, ...directives]).map(({ code, pos, message }) => {
    // What is quoted stands behind a colon.
    const [said = ""] = message.split(": ");
    const words = `is no YAML: ${said.charAt(0).toLowerCase()}${said.slice(1)}`;
    return { offset: pos[0], message: OWN_WORDS[code] ?? words };
  });
}
