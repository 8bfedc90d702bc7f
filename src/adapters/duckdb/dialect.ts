/** What a relation must be written in for {@link DuckDBEngine} to read it. */
export const DUCKDB_DIALECT = "duckdb";
