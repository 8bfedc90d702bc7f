// A process that writes one commit after the other, until it has written all or is killed.
import { parquetDataset } from "../../../../src/adapters/duckdb/entry.js";
import { sampleRows, write } from "../../../../src/testing/destination/destination-fixture.js";

/** What the parent tells its child, as JSON in the first argument. */
export interface WriterPlan {
  readonly folder: string;
  readonly name: string;
  readonly commits: number;
  readonly rows: number;
}

const { folder, name, commits, rows } = JSON.parse(process.argv[2] ?? "") as WriterPlan;
const lake = parquetDataset(folder);
const destination = lake.destination?.("t");
if (destination === undefined) throw new Error("there is no destination");
for (let number = 0; number < commits; number += 1) {
  const commitId = `${name}-${number}`;
  process.send?.({ begun: commitId });
  const half = rows / 2;
  const steps = [sampleRows(0, half), sampleRows(half, half)];
  const atPermit = (): void => void process.send?.({ granted: commitId });
  await write(destination, { commitId, steps, createIfMissing: true, atPermit });
  process.send?.({ landed: commitId });
}
await lake.close();
process.disconnect?.();
