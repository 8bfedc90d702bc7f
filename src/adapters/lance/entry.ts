export { lance, type LanceOptions } from "./lance-connection.js";
export type { MaintenanceOptions } from "./maintenance.js";
