import { CRASH_CONNECTIONS, type CrashDestinationName } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";
import { duckdbFileCrash } from "./duckdb-file-crash.js";
import { lanceCrash } from "./lance-crash.js";
import { mysqlCrash } from "./mysql-crash.js";
import { parquetDatasetCrash } from "./parquet-dataset-crash.js";
import { postgresCrash } from "./postgres-crash.js";
import { sqliteCrash } from "./sqlite-crash.js";

/** Every destination that is tried: a new one is a file beside this one, a line here, and one in `crash-connections.ts`. */
export const CRASH_DESTINATIONS: Readonly<Record<CrashDestinationName, CrashDestination>> = {
  sqlite: sqliteCrash,
  "duckdb file": duckdbFileCrash,
  lance: lanceCrash,
  "parquet dataset": parquetDatasetCrash,
  postgres: postgresCrash,
  mysql: mysqlCrash,
};

/** Those that can be had here. */
export const CRASH_DESTINATION_NAMES = (Object.keys(CRASH_CONNECTIONS) as CrashDestinationName[]).filter(isHere);

/** What is missing is skipped loudly; under `CI=true` that is a failure. */
function isHere(name: CrashDestinationName): boolean {
  const reason = CRASH_DESTINATIONS[name].missing?.();
  if (reason === undefined) return true;
  if (process.env["CI"] === "true") throw new Error(`The crash trials need ${name}: ${reason}`);
  console.warn(`SKIPPED: the crash trials of ${name}: ${reason}`);
  return false;
}
