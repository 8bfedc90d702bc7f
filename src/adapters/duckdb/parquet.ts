import type { Connection } from "../../ports/connection.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import { FileConnection } from "./file-connection.js";
import { absolutePatterns, type FilePatterns, touchedPaths } from "./file-patterns.js";
import { quoteText } from "./quote.js";

export function parquet(files: FilePatterns): Connection {
  const patterns = absolutePatterns("parquet", files);
  const from = `read_parquet([${patterns.map(quoteText).join(", ")}])`;
  return new FileConnection("parquet", { dialect: DUCKDB_DIALECT, from, paths: touchedPaths(patterns) });
}
