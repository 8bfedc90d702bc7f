// `npm run bench [section …]`: ratios and bounds in one run. Exits with 1 when a bound was missed.
import { printFigure, type Figure } from "./figure.js";
import { hostHealth } from "./host-health.js";
import { peakMemory } from "./peak-memory.js";
import { sqliteLoad } from "./sqlite-load.js";
import { tinyRuns } from "./tiny-runs.js";

const SECTIONS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  "sqlite-load": sqliteLoad,
  "tiny-runs": tinyRuns,
  "host-health": hostHealth,
  "peak-memory": peakMemory,
};

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
