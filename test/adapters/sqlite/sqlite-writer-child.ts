// A process that writes one commit after the other until it is killed, or until a write fails. Arguments: file, rows.
import { sqlite } from "../../../src/adapters/sqlite/sqlite-connection.js";
import { isJobError } from "../../../src/model/job-error.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";

const [path = "", rowCount = "0"] = process.argv.slice(2);
const connection = sqlite(path, { access: "read_write" });
const destination = connection.destination?.("t");
if (destination === undefined) throw new Error("there is no destination");

for (let number = 0; ; number++) {
  const commitId = `commit-${number}`;
  process.send?.({ begun: commitId });
  const half = Number(rowCount) / 2;
  const first = number * Number(rowCount);
  const steps = [sampleRows(first, half), sampleRows(first + half, half)];
  try {
    await write(destination, { commitId, steps, createIfMissing: true });
  } catch (error) {
    process.send?.({ failed: commitId, code: isJobError(error) ? error.code : "", message: String(error) });
    break;
  }
  process.send?.({ landed: commitId });
}
await connection.close();
process.disconnect?.();
