import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MemoryJobStore } from "millrace";
import { SqliteJobStore } from "millrace/sqlite";
import { postgresMissing, startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { atMost, median, percentile, reported, type Figure } from "./figure.js";
import { millraceQueue } from "./millrace-queue.js";
import type { JobQueue } from "./peers/job-queue.js";
import { SYSTEMS, type SystemName } from "./postgres-systems.js";
import { LATENCY_SHAPE, monotonicMs } from "./start-latency-shape.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const CHILD = fileURLToPath(new URL("./start-latency-child.ts", import.meta.url));
const WARM_UP = 50;
const MEASURED = 300;
/** pg-boss polls twice a second. */
const MEASURED_POLLING = 20;
/** Lets the end of a run be written, so that each submit meets an idle system. */
const BETWEEN_MS = 3;

/** From the call of submit to the start of the run's query, one run at a time; in one process, then across two. */
export async function startLatency(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => [
    ...(await inProcess("memory", () => millraceQueue(new MemoryJobStore(), LATENCY_SHAPE), 2)),
    ...(await inProcess(
      "SQLite",
      () => millraceQueue(new SqliteJobStore({ path: join(folder, "ledger.db") }), LATENCY_SHAPE),
      2,
    )),
    ...(await onPostgres()),
  ]);
}

async function onPostgres(): Promise<readonly Figure[]> {
  const missing = postgresMissing();
  if (missing !== undefined) {
    console.warn(`NOT MEASURED: everything on Postgres: ${missing}`);
    return [];
  }
  await using server = await startPostgres();
  const figures: Figure[] = [];
  for (const name of Object.keys(SYSTEMS) as SystemName[]) {
    const url = await server.createDatabase();
    const bound = name === "Millrace" ? 2 : undefined;
    figures.push(...(await inProcess(`${name} on Postgres`, () => SYSTEMS[name](url, LATENCY_SHAPE), bound)));
  }
  for (const name of Object.keys(SYSTEMS) as SystemName[]) figures.push(...(await acrossProcesses(name, server)));
  return figures;
}

async function inProcess(name: string, open: () => Promise<JobQueue>, bound?: number): Promise<readonly Figure[]> {
  await using queue = await open();
  let started: (at: number) => void = () => undefined;
  await queue.work(() => started(monotonicMs()));
  const times = await latencies(name, queue, () => new Promise((resolve) => (started = resolve)));
  return figuresOf(`submit to start in one process, ${name}`, times, bound);
}

async function acrossProcesses(name: SystemName, server: PostgresServer): Promise<readonly Figure[]> {
  const url = await server.createDatabase();
  await using queue = await SYSTEMS[name](url, LATENCY_SHAPE, "submit");
  const child = fork(CHILD, [name, url], { execArgv: ["--import", "tsx"] });
  try {
    await once(child, "message");
    const times = await latencies(name, queue, async () => {
      const [at] = (await once(child, "message")) as [number];
      return at;
    });
    return figuresOf(`submit to start across processes, ${name}`, times, name === "Millrace" ? 5 : undefined);
  } finally {
    const exit = once(child, "exit");
    child.disconnect();
    await exit;
  }
}

/** @param nextStart resolves to the time of the next start. */
async function latencies(name: string, queue: JobQueue, nextStart: () => Promise<number>): Promise<readonly number[]> {
  const polls = name.startsWith("pg-boss");
  const times: number[] = [];
  const warmUp = polls ? 2 : WARM_UP;
  for (let run = 0; run < warmUp + (polls ? MEASURED_POLLING : MEASURED); run += 1) {
    const start = nextStart();
    const from = monotonicMs();
    await queue.submit(1);
    const at = await start;
    if (run >= warmUp) times.push(at - from);
    // A random moment of the poll.
    await sleep(polls ? Math.random() * 500 : BETWEEN_MS);
  }
  return times;
}

function figuresOf(name: string, times: readonly number[], bound: number | undefined): readonly Figure[] {
  const p50 = median(times);
  return [
    bound === undefined ? reported(`${name}, p50`, p50, "ms") : atMost(`${name}, p50`, p50, bound, "ms"),
    reported(`${name}, p99`, percentile(times, 0.99), "ms"),
  ];
}
