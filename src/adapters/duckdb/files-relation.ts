import { DUCKDB_DIALECT } from "./dialect.js";
import type { DuckDBRelation, Look } from "./duckdb-relation.js";
import type { BadValue } from "./exact-column.js";
import { absolutePatterns, type FilePatterns, literalPattern, touchedPaths } from "./file-patterns.js";
import { fileSnapshot } from "./file-snapshot.js";

/** How the files of one kind are read. */
export interface FileKind {
  readonly kind: string;
  /** As DuckDB would find it all out by itself. */
  readonly from: (files: readonly string[]) => string;
  /** With everything in it that was found out about these files. */
  readonly pin: (files: readonly string[], look: Look) => Promise<string>;
  /** Where in its file a value stands. */
  readonly locate?: (bad: BadValue, look: Look) => Promise<string | undefined>;
}

/** A relation over files, which is found out again only when a file has changed. */
export function filesRelation(patternsGiven: FilePatterns, { kind, from, pin, locate }: FileKind): DuckDBRelation {
  const patterns = absolutePatterns(kind, patternsGiven);
  let last:
    { readonly fingerprint: string; readonly files: readonly string[]; readonly from: Promise<string> } | undefined;
  return {
    dialect: DUCKDB_DIALECT,
    from: from(patterns),
    paths: touchedPaths(patterns),
    async pin(look) {
      const { files, fingerprint } = await fileSnapshot(patterns, look);
      if (last?.fingerprint !== fingerprint) {
        last = { fingerprint, files, from: pin(files.map(literalPattern), look) };
        last.from.catch(() => (last = undefined));
      }
      return last.from;
    },
    async locate(bad, look) {
      return last?.files.includes(bad.file) === true ? locate?.(bad, look) : undefined;
    },
  };
}
