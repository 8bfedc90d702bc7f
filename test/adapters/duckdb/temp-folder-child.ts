// A process that opens an engine and holds it until it is killed.
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { recordingLogger } from "../../support/executor-harness.js";

const { tempDirectory } = JSON.parse(process.argv[2] ?? "") as { readonly tempDirectory: string };
const engine = new DuckDBEngine({ threads: 1, tempDirectory });
await engine.open({ connections: new Map(), clock: new ManualClock(), logger: recordingLogger().logger });
process.send?.("open");
setInterval(() => undefined, 1_000);
