/** The file in dist/ and the source of each entry point; package.json "exports" and tsconfig.consumer.json follow, and a test compares them. */
export const entryPoints = {
  index: "src/index.ts",
  duckdb: "src/adapters/duckdb/entry.ts",
  sqlite: "src/adapters/sqlite/entry.ts",
  postgres: "src/adapters/postgres/entry.ts",
  mysql: "src/adapters/mysql/entry.ts",
  lance: "src/adapters/lance/entry.ts",
  testing: "src/testing/entry.ts",
};
