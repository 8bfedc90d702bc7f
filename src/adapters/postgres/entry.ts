export type { PooledPostgresClient, PostgresAnswer, PostgresClient, PostgresPool, PostgresQuery } from "./driver.js";
export type { PostgresConfig, PostgresJobStoreOptions } from "./job-store-options.js";
export { PostgresJobStore } from "./postgres-job-store.js";
