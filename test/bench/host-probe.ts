import { lookup } from "node:dns/promises";
import { stat } from "node:fs/promises";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./figure.js";

const RESOLUTION_MS = 5;
const PROBE_EVERY_MS = 10;

export interface HostHealth {
  /** Above the timer's own resolution. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly statP99Ms: number;
  readonly lookupP99Ms: number;
  /** The process's memory (RSS) at its highest, above what it had before. */
  readonly addedMb: number;
  readonly seconds: number;
}

/** What the host feels while the work goes on: the delay of its event loop, of a file call and of a DNS call. */
export async function watchHost(work: () => Promise<void>): Promise<HostHealth> {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const stats: number[] = [];
  const lookups: number[] = [];
  const before = process.memoryUsage.rss();
  let highest = before;
  let over = false;
  const probe = async (times: number[], call: () => Promise<unknown>): Promise<void> => {
    while (!over) {
      const from = performance.now();
      await call();
      times.push(performance.now() - from);
      await sleep(PROBE_EVERY_MS);
    }
  };
  const probes = [
    probe(stats, async () => {
      await stat("/");
      highest = Math.max(highest, process.memoryUsage.rss());
    }),
    probe(lookups, () => lookup("localhost")),
  ];
  await sleep(50);
  loop.enable();
  const from = performance.now();
  await work();
  const seconds = (performance.now() - from) / 1_000;
  // The monitor misses a last stall unless a timer fires before it is disabled.
  await sleep(2 * RESOLUTION_MS);
  loop.disable();
  over = true;
  await Promise.all(probes);
  return {
    loopP99Ms: loop.percentile(99) / 1e6 - RESOLUTION_MS,
    loopMaxMs: loop.max / 1e6 - RESOLUTION_MS,
    statP99Ms: percentile(stats, 0.99),
    lookupP99Ms: percentile(lookups, 0.99),
    addedMb: (highest - before) / 1024 ** 2,
    seconds,
  };
}
