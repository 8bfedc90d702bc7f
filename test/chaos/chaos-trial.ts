import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { RunEvent } from "../../src/model/run-event.js";
import { isTerminal } from "../../src/model/run-status.js";
import { bundledProcess } from "../support/bundled-process.js";
import { seededRandom } from "../crash/seeded-random.js";
import { ActRunner } from "./act-runner.js";
import type { BrokenLaw } from "./broken-laws.js";
import { chaosPlan, type ChaosPlanOptions } from "./chaos-plan.js";
import { checkHistory } from "./check-history.js";
import { readDestinations } from "./destination-files.js";
import { Fleet } from "./fleet.js";
import type { History, Violation } from "./history.js";
import { ledgerAt } from "./ledger-place.js";
import { sqliteLedger, type LedgerUnderTest } from "./ledger-under-test.js";
import { countStatuses, LedgerWatcher } from "./ledger-watcher.js";
import { SubmitPump } from "./submit-pump.js";

const CHILD = new URL("./chaos-child.ts", import.meta.url);
const TICK_MS = 20;

export interface ChaosOptions extends ChaosPlanOptions {
  /** Default: a SQLite file. */
  readonly ledger?: () => Promise<LedgerUnderTest>;
  /** The law that all processes break. Default: none. */
  readonly broken?: BrokenLaw;
  /** Runs that have not ended by then never will. */
  readonly timeoutMs: number;
}

export interface ChaosReport {
  readonly violations: readonly Violation[];
  /** How often each window was hit, and how often each thing came of it. */
  readonly counts: Readonly<Record<string, number>>;
  readonly tookMs: number;
  /** The log of a run, for the message of a failure. */
  readonly events: (runId: string) => readonly RunEvent[];
}

/** Carries out the plan of a seed, waits until every run has ended, and checks what is left. */
export async function chaosTrial(seed: number, options: ChaosOptions): Promise<ChaosReport> {
  const startedAt = performance.now();
  const plan = chaosPlan(seed, options);
  const random = seededRandom(seed + 1_000_000);
  const folder = await mkdtemp(join(tmpdir(), "millrace-chaos-"));
  const files = { a: join(folder, "a.db"), b: join(folder, "b.db"), late: join(folder, "late.db") };
  const ledger = options.ledger === undefined ? sqliteLedger(folder) : await options.ledger();
  const slots = (...roles: readonly string[]): readonly number[] =>
    plan.slots.flatMap(({ role }, slot) => (roles.includes(role) ? [slot] : []));
  const tails: { runId: string; seqs: readonly number[] }[] = [];
  await using child = await bundledProcess(CHILD);
  const fleet = new Fleet({
    child,
    slots: plan.slots.length,
    setup: (slot, life) => {
      const own = plan.slots[slot];
      if (own === undefined) throw new Error(`there is no slot ${slot}`);
      const childSeed = seed * 10_000 + slot * 100 + life;
      return {
        ...own,
        seed: childSeed,
        ledger: ledger.place,
        files,
        leaseMs: plan.leaseMs,
        lateMs: plan.lateMs,
        broken: options.broken ?? null,
      };
    },
    onTail: (runId, seqs) => tails.push({ runId, seqs }),
    onReached: (slot, point) => acts.reached(slot, point),
  });
  const acts = new ActRunner(plan.acts, plan.runs.length, fleet, slots("work", "both"), ledger, random);
  const pump = new SubmitPump(plan.runs, fleet, slots("submit", "both"), random);
  const store = ledgerAt(ledger.place);
  const watcher = new LedgerWatcher(store);
  try {
    watcher.start();
    // One makes the ledger before the others come.
    await fleet.start(0);
    await Promise.all(plan.slots.slice(1).map((_, index) => fleet.start(index + 1)));
    await untilDone(pump, acts, watcher, startedAt + options.timeoutMs);
    await Promise.all(fleet.listening.map((slot) => fleet.stop(slot, "drain")));
    await fleet.killAll();
    await watcher.stop();
    const { runs, events } = await watcher.all();
    const history: History = {
      planned: plan.runs,
      submits: pump.facts,
      runs,
      events,
      ...readDestinations(files),
      hostChanges: await ledger.hostChanges(),
      firstEnds: watcher.firstEnds,
      mostBehind: watcher.mostBehind,
      cancels: acts.cancels,
      tails,
      excused: fleet.excused,
      crashes: fleet.crashes,
    };
    return {
      violations: checkHistory(history),
      counts: { ...Object.fromEntries([...acts.hits].sort()), ...countsOf(history) },
      tookMs: Math.round(performance.now() - startedAt),
      events: (runId) => events.get(runId) ?? [],
    };
  } finally {
    await watcher.stop();
    await fleet.killAll();
    await store.close();
    await ledger[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

async function untilDone(pump: SubmitPump, acts: ActRunner, watcher: LedgerWatcher, giveUpAt: number): Promise<void> {
  for (let sameFor = 0; performance.now() < giveUpAt;) {
    const { latest } = watcher;
    const ended = watcher.firstEnds.size;
    pump.pump(ended);
    acts.next(ended, latest);
    await pause(TICK_MS);
    // A run whose submit got no answer may still come: the ledger must look the same for a while.
    const isQuiet = pump.isDone && acts.isIdle && latest.length > 0 && latest.every(({ status }) => isTerminal(status));
    sameFor = isQuiet && latest.length === watcher.latest.length ? sameFor + 1 : 0;
    if (sameFor * TICK_MS > 500) break;
  }
  await acts.idle();
}

function countsOf({ runs, events, tails, submits, excused }: History): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  for (const log of events.values()) {
    for (const event of log) {
      if (event.type === "run.retrying") count(`retried, ${event.cause}`);
      if (event.type === "run.commit_in_doubt") count("commits in doubt");
      if (event.type === "run.failed") count(`failed, ${event.error.code}`);
    }
  }
  const ends = Object.entries(countStatuses(runs)).map(([status, runsOf]) => [`runs ${status}`, runsOf] as const);
  const unanswered = [...submits.values()].reduce((sum, facts) => sum + facts.unanswered, 0);
  return {
    ...Object.fromEntries(Object.entries(counts).sort()),
    "submits unanswered": unanswered,
    "tails followed to the end": tails.length,
    "owners that lost their leases": excused.size,
    ...Object.fromEntries(ends),
  };
}
