// Works for one system on a Postgres database, and tells its parent when each job begins.
import { monotonicMs, LATENCY_SHAPE } from "./start-latency-shape.js";
import { SYSTEMS, type SystemName } from "./postgres-systems.js";

const [system = "Millrace", url = ""] = process.argv.slice(2);
const queue = await SYSTEMS[system as SystemName](url, LATENCY_SHAPE, "work");
await queue.work(() => process.send?.(monotonicMs()));
process.once("disconnect", () => void queue[Symbol.asyncDispose]());
process.send?.("ready");
