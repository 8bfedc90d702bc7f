// A process that appends to a Lance table again and again. Started by lance-faults.test.ts.
import { lance } from "../../../src/adapters/lance/entry.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";

interface AppenderPlan {
  readonly folder: string;
  readonly first: number;
  readonly commits: number;
  readonly rows: number;
}

const { folder, first, commits, rows } = JSON.parse(process.argv[2] ?? "") as AppenderPlan;
const connection = lance(folder);
for (let commit = 0; commit < commits; commit++) {
  const steps = [sampleRows(first + commit * rows, rows)];
  await write(connection.destination!("results")!, { commitId: `${first}-${commit}`, steps });
}
await connection.close();
process.disconnect?.();
