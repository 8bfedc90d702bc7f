import type { Connection } from "../../ports/connection.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import { FileConnection } from "./file-connection.js";
import { absolutePatterns, type FilePatterns, touchedPaths } from "./file-patterns.js";
import { quoteText } from "./quote.js";

export function json(files: FilePatterns): Connection {
  const patterns = absolutePatterns("json", files);
  const from = `read_json([${patterns.map(quoteText).join(", ")}])`;
  return new FileConnection("json", { dialect: DUCKDB_DIALECT, from, paths: touchedPaths(patterns) });
}
