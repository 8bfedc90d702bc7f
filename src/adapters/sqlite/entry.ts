export { sqlite, type SqliteOptions } from "./sqlite-connection.js";
export {
  SqliteJobStore,
  type SqliteDatabase,
  type SqliteJobStoreOptions,
  type SqliteLedgerConnection,
  type SqliteLedgerFile,
  type SqliteLedgerOptions,
} from "./sqlite-job-store.js";
