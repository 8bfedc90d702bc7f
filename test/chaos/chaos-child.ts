// A process of the chaos trial: works, submits, or both, until it is stopped or killed. Started by fleet.ts.
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { sqlite } from "../../src/adapters/sqlite/entry.js";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { isJobError } from "../../src/model/job-error.js";
import type { Clock } from "../../src/ports/clock.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobStore } from "../../src/ports/job-store.js";
import type { RunHandle } from "../../src/runs/run-handle.js";
import { CRASH_POINTS, crashingConnection, crashingStore, type CrashPoint } from "../../src/testing/crash-points.js";
import { seededRandom } from "../crash/seeded-random.js";
import { overlaid } from "../support/overlaid.js";
import { brokenConnection, brokenStore } from "./broken-laws.js";
import { CHAOS_JOBS } from "./chaos-jobs.js";
import type { PlannedRun } from "./chaos-plan.js";
import { engineWithTrouble } from "./engine-with-trouble.js";
import { lateConnection } from "./late-connection.js";
import { inHostTransaction } from "./host-transaction.js";
import { ledgerAt } from "./ledger-place.js";
import { lossyConnection } from "./lossy-connection.js";
import {
  LEDGER_AWAY,
  type ChildSetup,
  type Command,
  type Commands,
  type Report,
  type SubmitAnswer,
} from "./messages.js";
import { rowsEngine } from "./rows-engine.js";

const LOST_ANSWERS = 0.03;
const FOLLOWED = 0.15;
const LOOK_MS = 50;

const setup = JSON.parse(process.argv[2] ?? "") as ChildSetup;
const random = seededRandom(setup.seed);
const say = (report: Report): Promise<unknown> => new Promise((resolve) => process.send?.(report, resolve));

const armed: Commands["arm"]["asked"][] = [];
const reach = async (point: CrashPoint): Promise<void> => {
  const index = armed.findIndex((one) => one.point === point);
  // Once each: a process that stopped, was woken and stopped again would hold its locks for ever.
  const [reached] = index === -1 ? [] : armed.splice(index, 1);
  if (reached === undefined) return;
  await say({ kind: "reached", point });
  process.kill(process.pid, reached.signal);
};
const points = Object.fromEntries(CRASH_POINTS.map((point) => [point, () => reach(point)]));

const clock: Clock = { now: () => systemClock.now() + setup.clockAheadMs, after: systemClock.after };
const wired = (connection: Connection): Connection =>
  crashingConnection(lossyConnection(brokenConnection(connection, setup.broken), LOST_ANSWERS, random), points);

const executor = new JobExecutor({
  engine: engineWithTrouble(setup.engine === "duckdb" ? new DuckDBEngine({ threads: 1 }) : rowsEngine(), random),
  store: observed(crashingStore(brokenStore(ledgerAt(setup.ledger), setup.broken), points)),
  connections: {
    a: wired(sqlite(setup.files.a, { access: "read_write" })),
    b: wired(sqlite(setup.files.b, { access: "read_write" })),
    late: wired(lateConnection(setup.files.late, setup.lateMs, random)),
  },
  jobs: CHAOS_JOBS,
  clock,
  role: setup.role,
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  leaseMs: setup.leaseMs,
  maxConcurrentRuns: 4,
});

const answers: { readonly [K in keyof Commands]: (asked: Commands[K]["asked"]) => Promise<Commands[K]["answer"]> } = {
  submit: (runs) =>
    Promise.all(runs.map((run) => submit(run).catch(() => ({ tag: run.tag, refused: "store_unavailable" })))),
  cancel: (id) => executor.cancel(id, "the trial wished so"),
  arm: (asked) => {
    armed.push(asked);
    return Promise.resolve(null);
  },
  stop: (mode) => executor.stop({ mode, timeoutMs: 10_000 }),
};

await executor.start().catch((error: unknown) => {
  // The trial starts it again, as whatever keeps a service running would.
  if (isJobError(error, "store_unavailable")) process.exit(LEDGER_AWAY);
  throw error;
});
process.on("message", (command: Command) => void obey(command));
// Nobody is there any more to stop it.
process.on("disconnect", () => process.exit());
const watch = watchForStalls();
await say({ kind: "ready" });

async function obey<K extends keyof Commands>({ call, do: what, asked }: Command & { do: K }): Promise<void> {
  try {
    await say({ kind: "answer", call, answer: await answers[what](asked) });
  } catch (error) {
    await say({ kind: "answer", call, error: String(error) });
  }
  if (what !== "stop") return;
  clearInterval(watch);
  process.removeAllListeners("disconnect");
  if (process.connected) process.disconnect();
}

async function submit(planned: PlannedRun): Promise<SubmitAnswer> {
  const { tag, job, rows, holdMs, trouble, shop, priority, runAfterMs, startWithinMs, twice, within } = planned;
  const parameters = { tag, rows, hold: holdMs, trouble, shop };
  const options = {
    priority,
    ...(runAfterMs !== null && { runAt: new Date(Date.now() + runAfterMs) }),
    ...(startWithinMs !== null && { startDeadline: new Date(Date.now() + startWithinMs) }),
    ...(twice && { idempotencyKey: `key of ${tag}` }),
  };
  if (within !== null) {
    const prepared = await executor.prepare(job, parameters, options);
    if (prepared.isErr()) return { tag, refused: prepared.error.code };
    const { id, created } = await inHostTransaction(setup.ledger, tag, within, prepared.value);
    return { tag, runId: id, created };
  }
  const submitted = await executor.submit(job, parameters, options);
  if (submitted.isErr()) return { tag, refused: submitted.error.code };
  if (random() < FOLLOWED) void follow(submitted.value);
  return { tag, runId: submitted.value.id, created: submitted.value.created };
}

async function follow(handle: RunHandle): Promise<void> {
  const seqs: number[] = [];
  try {
    let ended = false;
    for await (const { seq, type } of handle.events()) {
      seqs.push(seq);
      ended = type === "run.succeeded" || type === "run.failed" || type === "run.cancelled";
    }
    if (ended) await say({ kind: "tail", runId: handle.id, seqs });
  } catch {
    // A tail may break, as long as it says so.
  }
}

/** Tells of the owner's name, and of acts that keep a lease from being renewed in time. */
function observed(store: JobStore): JobStore {
  const told = new Set<string>();
  const tell = (owner: string): void => {
    if (!told.has(owner)) void say({ kind: "owner", owner });
    told.add(owner);
  };
  return overlaid(store, {
    // The processes of one machine share its clock, and a ledger that is a file takes its times from it.
    open: (context) => store.open(setup.ledger.kind === "sqlite" ? { ...context, clock: systemClock } : context),
    // This process is the only one who opened it, by a context that the executor does not know.
    close: () => store.close(),
    claimRuns: (claim) => {
      tell(claim.owner);
      return store.claimRuns(claim);
    },
    renewLease: async (id, renewal) => {
      const askedAt = performance.now();
      const state = await store.renewLease(id, renewal).catch(async (error: unknown) => {
        await say({ kind: "stalled" });
        throw error;
      });
      if (performance.now() - askedAt > setup.leaseMs / 3) await say({ kind: "stalled" });
      return state;
    },
  });
}

function watchForStalls(): NodeJS.Timeout {
  let lookedAt = performance.now();
  return setInterval(() => {
    const now = performance.now();
    if (now - lookedAt > setup.leaseMs / 3) void say({ kind: "stalled" });
    lookedAt = now;
  }, LOOK_MS);
}

function quiet(): void {
  // What goes wrong on the way is what the trial is made of.
}
