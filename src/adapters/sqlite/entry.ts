export { sqlite, type SqliteOptions } from "./sqlite-connection.js";
export { SqliteJobStore, type SqliteJobStoreOptions } from "./sqlite-job-store.js";
