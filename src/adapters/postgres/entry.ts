export type { PooledPostgresClient, PostgresAnswer, PostgresClient, PostgresPool, PostgresQuery } from "./driver.js";
export type { PostgresConfig, PostgresJobStoreOptions } from "./job-store-options.js";
export { postgres, type PostgresOptions } from "./postgres.js";
export { PostgresJobStore } from "./postgres-job-store.js";
export type { PostgresServer } from "./client-source.js";
