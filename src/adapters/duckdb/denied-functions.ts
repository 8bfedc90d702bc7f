/**
 * What a query may call (law 13). A test compares both lists with the functions of the installed DuckDB, so that a new
 * version cannot bring one in unseen.
 */

/** Everything that can stand in FROM with parentheses. All others read files, catalogues, settings or hidden names. */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "range",
  "generate_series",
  "unnest",
  "repeat",
  "repeat_row",
  "json_each",
  "json_tree",
  "test_all_types",
]);

/** Functions of values that reach settings, variables, the catalogue, files, the log or another statement. */
export const DENIED_FUNCTIONS: ReadonlySet<string> = new Set([
  // Settings, variables, the environment.
  "current_setting",
  "getvariable",
  "getenv",
  // What other statements wrote, or what this one would change for others.
  "nextval",
  "currval",
  "setseed",
  "write_log",
  "txid_current",
  "stats",
  // Plans, and so reads, a query that no check has seen.
  "json_serialize_plan",
  "json_deserialize_sql",
  "json_execute_serialized_sql",
  "query",
  "query_table",
  // The catalogue: definitions of views hold paths.
  "pg_get_viewdef",
  "pg_get_constraintdef",
  "get_block_size",
  // Holds a thread of the engine and does nothing.
  "sleep_ms",
  "pg_sleep",
  // The text with the names that the engine gives to parameters.
  "current_query",
]);
