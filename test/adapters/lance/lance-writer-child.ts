// A process that writes one commit into a Lance table and is killed on the way. Started by lance-kills.test.ts.
import { lance } from "../../../src/adapters/lance/entry.js";
import { TableJournal } from "../../../src/adapters/lance/journal/table-journal.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { change } from "./job-state.js";
import type { WriterPlan } from "./kill-points.js";

const plan = JSON.parse(process.argv[2] ?? "") as WriterPlan;
const die = (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => undefined);
};

const { begin, finish } = TableJournal.prototype;
TableJournal.prototype.begin = async function (entry) {
  if (plan.point === "begin:before") await die();
  await begin.call(this, entry);
  if (plan.point === "begin:after") await die();
  if (plan.point === "in Lance") setTimeout(() => void die(), plan.afterMs);
};
TableJournal.prototype.finish = async function (entry, outcome) {
  if (plan.point === "finish:before") await die();
  if (plan.point === "finish:middle") {
    await finish.call(this, entry, outcome);
    // As if the last step, which removes the entry, had not been reached.
    await begin.call(this, entry);
    await die();
  }
  await finish.call(this, entry, outcome);
};

const connection = lance(plan.folder);
await write(connection.destination!("results")!, {
  commitId: plan.commitId,
  mode: plan.mode,
  steps: [sampleRows(11, plan.rows)],
  createIfMissing: true,
  state: change(null, plan.commitId),
});
await connection.close();
process.disconnect?.();
