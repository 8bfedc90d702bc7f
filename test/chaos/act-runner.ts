import { setTimeout as pause } from "node:timers/promises";
import { isTerminal } from "../../src/model/run-status.js";
import type { CancelOutcome, JobRun } from "../../src/model/run.js";
import type { Act } from "./chaos-plan.js";
import type { Fleet } from "./fleet.js";
import type { LedgerUnderTest } from "./ledger-under-test.js";

/** Without an end of a run for so long the next act comes all the same: the one before may have stopped everything. */
const PATIENCE_MS = 1_500;

type ActAtPoint = Act & { kind: "kill_at" | "pause_at" };

/** Does to processes and ledger what the plan says, each act when its share of the runs has ended. */
export class ActRunner {
  /** How often each window was hit. */
  readonly hits = new Map<string, number>();
  readonly cancels: { runId: string; outcome: CancelOutcome }[] = [];
  readonly #acts: Act[];
  readonly #armed: { readonly slot: number; readonly act: ActAtPoint }[] = [];
  /** Slots that an act has in its hands until they listen again. */
  readonly #taken = new Set<number>();
  readonly #under = new Set<Promise<void>>();
  readonly #runsPerAct: number;
  #disturbing = false;
  #done = 0;
  #lastEnded = 0;
  #lastAt = 0;

  constructor(
    acts: readonly Act[],
    runs: number,
    private readonly fleet: Fleet,
    private readonly workers: readonly number[],
    private readonly ledger: LedgerUnderTest,
    private readonly random: () => number,
  ) {
    this.#acts = [...acts];
    this.#runsPerAct = runs / (acts.length + 1);
  }

  /** Whether nothing that was begun goes on. */
  get isIdle(): boolean {
    return this.#under.size === 0;
  }

  /** Resolves when what was begun is over. */
  async idle(): Promise<void> {
    while (this.#under.size > 0) await Promise.all(this.#under);
  }

  next(ended: number, latest: readonly JobRun[]): void {
    // One that a planned submit killed has no act that starts it again.
    for (const slot of this.fleet.gone)
      if (!this.#taken.has(slot)) this.#run(this.#takeSlot(slot, () => this.#restart(slot, 0)));
    const now = performance.now();
    if (ended !== this.#lastEnded) [this.#lastEnded, this.#lastAt] = [ended, now];
    const isStuck = ended > 0 && now - this.#lastAt > PATIENCE_MS;
    const isDue = isStuck || ended >= (this.#done + 1) * this.#runsPerAct;
    const act = this.#acts[0];
    if (!isDue || act === undefined) return;
    const begun = this.#begin(act, latest);
    if (begun === undefined) return;
    this.#acts.shift();
    this.#done += 1;
    this.#lastAt = now;
    this.#run(begun.catch((error: unknown) => this.#hit(`${act.kind} failed: ${String(error)}`)));
  }

  /** A process says that it is at the point for which it was armed. */
  reached(slot: number, point: string): void {
    const index = this.#armed.findIndex((one) => one.slot === slot && one.act.point === point);
    const act = this.#armed[index]?.act;
    if (act === undefined) throw new Error(`process ${slot} reached ${point} unasked`);
    this.#armed.splice(index, 1);
    this.#hit(`${act.kind} ${point}`);
    const ended = this.#takeSlot(slot, async () => {
      if (act.kind === "pause_at") return this.fleet.wakeLater(slot, act.forMs);
      await this.fleet.kill(slot);
      await this.#restart(slot, act.downMs);
    });
    this.#run(ended);
  }

  /** Undefined: nobody is there to whom it could be done now. */
  #begin(act: Act, latest: readonly JobRun[]): Promise<void> | undefined {
    if (act.kind === "disturb") return this.#disturbing ? undefined : this.#disturb(act.how);
    if (act.kind === "cancel") return this.#cancel(act, latest);
    const free = this.fleet.listening.filter((slot) => !this.#taken.has(slot));
    // Now and then all workers are gone at once, but not for most of the time.
    const mayEmpty = this.#done % 8 === 0;
    if (!mayEmpty && free.filter((slot) => this.workers.includes(slot)).length < 2) return undefined;
    const fit = act.kind === "kill" ? free : free.filter((slot) => this.workers.includes(slot));
    const slot = fit.includes(act.slot) ? act.slot : fit[0];
    if (slot === undefined) return undefined;
    switch (act.kind) {
      case "kill_at":
      case "pause_at":
        this.#armed.push({ slot, act });
        return this.fleet
          .ask(slot, "arm", { point: act.point, signal: act.kind === "kill_at" ? "SIGKILL" : "SIGSTOP" })
          .then(() => undefined);
      case "kill":
        this.#hit("kill");
        return this.#takeSlot(slot, async () => {
          await this.fleet.kill(slot);
          await this.#restart(slot, act.downMs);
        });
      case "pause":
        this.#hit("pause");
        return this.#takeSlot(slot, () => this.fleet.pause(slot, act.forMs));
      case "stop":
        return this.#takeSlot(slot, async () => {
          const report = await this.fleet.stop(slot, act.mode);
          this.#hit(`stop ${act.mode}${report !== null && report.handedBack > 0 ? ", handing back" : ""}`);
          await this.#restart(slot, act.downMs);
        });
    }
  }

  async #takeSlot(slot: number, act: () => Promise<void>): Promise<void> {
    this.#taken.add(slot);
    try {
      await act();
    } finally {
      this.#taken.delete(slot);
    }
  }

  // What a process was armed for is done to its next life.
  async #restart(slot: number, afterMs: number): Promise<void> {
    for (const own of this.#armed.filter((one) => one.slot === slot)) {
      this.#armed.splice(this.#armed.indexOf(own), 1);
      this.#acts.unshift(own.act);
    }
    await pause(afterMs);
    await this.fleet.start(slot);
  }

  async #disturb(how: number): Promise<void> {
    this.#disturbing = true;
    this.fleet.excuseAll();
    try {
      this.#hit(await this.ledger.disturb(how));
    } finally {
      this.fleet.excuseAll();
      this.#disturbing = false;
    }
  }

  #cancel(act: Act & { kind: "cancel" }, latest: readonly JobRun[]): Promise<void> | undefined {
    const fits = latest.filter(({ status }) => (act.status === "ended" ? isTerminal(status) : status === act.status));
    const live = latest.filter(({ status }) => !isTerminal(status));
    const from = [fits, live, latest].find((runs) => runs.length > 0) ?? [];
    const run = from[Math.floor(this.random() * from.length)];
    const { listening } = this.fleet;
    const slot = listening.includes(act.slot) ? act.slot : listening[0];
    if (run === undefined || slot === undefined) return undefined;
    return this.fleet.ask(slot, "cancel", run.id).then(
      (outcome) => {
        this.cancels.push({ runId: run.id, outcome });
        this.#hit(`cancel, ${outcome}`);
      },
      () => this.#hit("cancel, unanswered"),
    );
  }

  #run(act: Promise<void>): void {
    const under = act.finally(() => this.#under.delete(under));
    this.#under.add(under);
  }

  #hit(window: string): void {
    this.hits.set(window, (this.hits.get(window) ?? 0) + 1);
  }
}
