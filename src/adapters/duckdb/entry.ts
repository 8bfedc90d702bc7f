export { arrow } from "./arrow.js";
export { csv, type CsvOptions } from "./csv.js";
export type { DeclaredColumns } from "./declared-columns.js";
export { duckdb, type DuckDBFileOptions } from "./duckdb.js";
export { DuckDBEngine } from "./duckdb-engine.js";
export type { DuckDBEngineOptions } from "./engine-options.js";
export type { FilePatterns } from "./file-patterns.js";
export { json, type JsonOptions } from "./json.js";
export { parquet, type ParquetOptions } from "./parquet.js";
export {
  type DatasetSnapshot,
  type ParquetDataset,
  parquetDataset,
  type ParquetDatasetOptions,
} from "./parquet-dataset.js";
export type { PruneOptions, PruneReport } from "./parquet-dataset/prune-table.js";
export { type Row, rows, type RowsOptions } from "./rows.js";
