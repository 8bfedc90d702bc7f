export { csv } from "./csv.js";
export { DuckDBEngine } from "./duckdb-engine.js";
export type { DuckDBEngineOptions } from "./engine-options.js";
export { json } from "./json.js";
export { parquet } from "./parquet.js";
