export type { MySqlJobStoreOptions } from "./job-store-options.js";
export { mysql, type MysqlOptions } from "./mysql.js";
export type { MysqlConfig } from "./mysql-config.js";
export { MySqlJobStore } from "./mysql-job-store.js";
export type { MysqlReadOptions } from "./source/read-options.js";
