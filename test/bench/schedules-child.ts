// Fires what is due in a ledger, and carries it out, from the moment it is told to. Started by schedules.ts.
import { NoOpDestination } from "./no-op-work.js";
import {
  firingExecutor,
  ledgerOf,
  type BenchLedger,
  type FiringCommand,
  type FiringReport,
} from "./schedules-ledger.js";

const TELL_EVERY_MS = 20;

const destination = new NoOpDestination();
const executor = firingExecutor(ledgerOf(JSON.parse(process.argv[2] ?? "") as BenchLedger), destination);
const report = (): void => {
  const told: FiringReport = { commits: destination.commits };
  process.send?.(told);
};
let telling: NodeJS.Timeout | undefined;

process.on("message", (command: FiringCommand) => void obey(command));
process.once("disconnect", () => process.exit());
report();

async function obey(command: FiringCommand): Promise<void> {
  if (command === "start") {
    telling = setInterval(report, TELL_EVERY_MS);
    return void (await executor.start());
  }
  await executor.stop();
  clearInterval(telling);
  report();
  process.removeAllListeners("disconnect");
  process.disconnect();
}
