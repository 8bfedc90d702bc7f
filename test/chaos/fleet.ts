import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { BundledProcess } from "../support/bundled-process.js";
import { LEDGER_AWAY, type ChildSetup, type Commands, type Report } from "./messages.js";

/** Longer than the time that a child gives its executor to stop. */
const LONGEST_STOP_MS = 15_000;

/** One life of a process, from its start to its end. */
interface Life {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  readonly ready: Promise<boolean>;
  readonly owners: Set<string>;
  readonly waiting: Map<number, (report: Report & { kind: "answer" }) => void>;
  excused: boolean;
  isReady: boolean;
  paused: boolean;
}

interface FleetOptions {
  readonly child: BundledProcess;
  /** By slot. @param life how many lives the slot had before. */
  readonly setup: (slot: number, life: number) => ChildSetup;
  readonly slots: number;
  readonly onTail: (runId: string, seqs: readonly number[]) => void;
  /** A process reached the point at which it was to end or to stop. */
  readonly onReached: (slot: number, point: string) => void;
}

/** The trial's processes: starts them, does to them what the plan says, and starts them again. */
export class Fleet {
  readonly #lives: (Life | undefined)[];
  readonly #before: number[];
  readonly #excused = new Set<string>();
  readonly #crashes: string[] = [];
  #calls = 0;
  #isOver = false;

  constructor(private readonly options: FleetOptions) {
    this.#lives = Array.from({ length: options.slots }, () => undefined);
    this.#before = Array.from({ length: options.slots }, () => 0);
  }

  /** Owners whose leases may have ended while they held them. */
  get excused(): ReadonlySet<string> {
    return this.#excused;
  }

  /** The slots whose processes listen. */
  get listening(): readonly number[] {
    return this.#lives.flatMap((life, slot) => (life?.isReady === true && !life.paused ? [slot] : []));
  }

  /** Resolves when the process listens, or is gone. */
  async start(slot: number): Promise<void> {
    // A process that met its point while the others were stopped is not started again.
    if (this.#isOver) return;
    const life = this.#begin(slot);
    this.#lives[slot] = life;
    await life.ready;
  }

  /** Rejects when the process dies before it answers. */
  async ask<K extends keyof Commands>(
    slot: number,
    what: K,
    asked: Commands[K]["asked"],
  ): Promise<Commands[K]["answer"]> {
    const life = this.#lives[slot];
    if (life?.isReady !== true) throw new Error(`process ${slot} is not there`);
    const call = (this.#calls += 1);
    const report = await new Promise<Report & { kind: "answer" }>((resolve, reject) => {
      life.waiting.set(call, resolve);
      void life.exited.then(() => reject(new Error(`process ${slot} is gone`)));
      life.process.send({ call, do: what, asked }, (error) => error && reject(error));
    });
    if (report.error !== undefined) throw new Error(report.error);
    return report.answer as Commands[K]["answer"];
  }

  /** Resolves when it is dead. */
  async kill(slot: number): Promise<void> {
    const life = this.#lives[slot];
    if (life === undefined) return;
    if (life.process.exitCode === null) this.#excuse(life);
    life.process.kill("SIGKILL");
    await life.exited;
  }

  /** Stops the process for a while, wherever it is. */
  async pause(slot: number, forMs: number): Promise<void> {
    const life = this.#lives[slot];
    if (life?.isReady !== true || life.paused) return;
    life.process.kill("SIGSTOP");
    await this.wakeLater(slot, forMs);
  }

  /** For a process that is stopped, or about to stop itself. */
  async wakeLater(slot: number, afterMs: number): Promise<void> {
    const life = this.#lives[slot];
    if (life === undefined) return;
    this.#excuse(life);
    life.paused = true;
    await Promise.race([pause(afterMs), life.exited]);
    life.process.kill("SIGCONT");
    life.paused = false;
  }

  /** Asks it to stop, and resolves to what its report says when it is gone. */
  async stop(slot: number, mode: "drain" | "cancel"): Promise<Commands["stop"]["answer"] | null> {
    const life = this.#lives[slot];
    if (life === undefined) return null;
    const report = await this.ask(slot, "stop", mode).catch(() => null);
    if (report === null || report.unfinished > 0) this.#excuse(life);
    life.isReady = false;
    const late = await Promise.race([life.exited.then(() => false), pause(LONGEST_STOP_MS, true, { ref: false })]);
    if (late && report !== null) this.#crashes.push(`process ${slot} did not end after it had stopped`);
    await this.kill(slot);
    return report;
  }

  /** Whoever lives now may lose a lease: the ledger is about to be out of reach. */
  excuseAll(): void {
    for (const life of this.#lives) if (life) this.#excuse(life);
  }

  /** Resolves when none is left, and starts no other. */
  async killAll(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lives.map((_life, slot) => this.kill(slot)));
  }

  /** The slots whose processes have ended. */
  get gone(): readonly number[] {
    return this.#lives.flatMap((life, slot) =>
      life?.process.exitCode === null && life.process.signalCode === null ? [] : [slot],
    );
  }

  /** How processes ended that nobody killed and that did not stop when they were asked to. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }

  #begin(slot: number): Life {
    const before = this.#before[slot] ?? 0;
    this.#before[slot] = before + 1;
    const setup = this.options.setup(slot, before);
    const process = this.options.child.start(setup);
    const exited = once(process, "exit");
    let ready: (isReady: boolean) => void;
    const life: Life = {
      process,
      exited,
      ready: new Promise((resolve) => (ready = resolve)),
      owners: new Set(),
      waiting: new Map(),
      excused: false,
      isReady: false,
      paused: false,
    };
    void exited.then(() => {
      life.isReady = false;
      if (process.signalCode !== null) this.#excuse(life);
      if (process.exitCode !== null && process.exitCode !== 0 && process.exitCode !== LEDGER_AWAY) {
        this.#crashes.push(`process ${slot} ended by itself with code ${process.exitCode}`);
      }
      ready(false);
    });
    process.on("message", (report: Report) => {
      switch (report.kind) {
        case "ready":
          life.isReady = true;
          return ready(true);
        case "answer":
          life.waiting.get(report.call)?.(report);
          return void life.waiting.delete(report.call);
        case "owner":
          life.owners.add(report.owner);
          if (life.excused) this.#excused.add(report.owner);
          return;
        case "reached":
          this.#excuse(life);
          return this.options.onReached(slot, report.point);
        case "stalled":
          return this.#excuse(life);
        case "tail":
          return this.options.onTail(report.runId, report.seqs);
      }
    });
    return life;
  }

  #excuse(life: Life): void {
    life.excused = true;
    for (const owner of life.owners) this.#excused.add(owner);
  }
}
