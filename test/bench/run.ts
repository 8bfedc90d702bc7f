// `npm run bench [section …]`: ratios and bounds in one run. Exits with 1 when a bound was missed.
import { arrowVectors } from "./arrow-vectors.js";
import { databaseReads } from "./database-reads.js";
import { printFigure, type Figure } from "./figure.js";
import { hostHealth } from "./host-health.js";
import { lakeLoads, lanceLoads } from "./lake-loads.js";
import { ledgerSize } from "./ledger-size.js";
import { ledgerThroughput } from "./ledger-throughput.js";
import { loadWithPostgresLedger } from "./load-with-postgres-ledger.js";
import { mysqlLoads } from "./mysql-loads.js";
import { peakMemory } from "./peak-memory.js";
import { postgresLoads } from "./postgres-loads.js";
import { SCALE } from "./scale.js";
import { sqliteLoads } from "./sqlite-loads.js";
import { schedules } from "./schedules.js";
import { startLatency } from "./start-latency.js";
import { tinyRuns } from "./tiny-runs.js";

const SECTIONS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  "postgres-loads": postgresLoads,
  "mysql-loads": mysqlLoads,
  "sqlite-loads": sqliteLoads,
  "database-reads": databaseReads,
  "lake-loads": lakeLoads,
  "lance-loads": lanceLoads,
  "arrow-vectors": arrowVectors,
  "tiny-runs": tinyRuns,
  "host-health": hostHealth,
  "peak-memory": peakMemory,
  "ledger-throughput": ledgerThroughput,
  "start-latency": startLatency,
  schedules,
  "ledger-size": ledgerSize,
  "load-with-postgres-ledger": loadWithPostgresLedger,
};

if (SCALE !== 1)
  console.warn(`A TRY at ${SCALE} of the size: the figures of the databases and the ledger do not count.`);
const wanted = process.argv.slice(2);
let missed = 0;
for (const [name, section] of Object.entries(SECTIONS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n${name}`);
  for (const figure of await section()) {
    printFigure(figure);
    if (figure.met === false) missed += 1;
  }
}
console.log(`\n${missed === 0 ? "every bound was kept" : `${missed} bound(s) missed`}`);
process.exitCode = missed === 0 ? 0 : 1;
