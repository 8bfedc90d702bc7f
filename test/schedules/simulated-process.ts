import { CronerScheduler } from "../../src/adapters/croner/croner-scheduler.js";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import type { AnyJob } from "../../src/jobs/job-definition.js";
import type { ScheduleDefinition } from "../../src/model/schedule.js";
import type { Clock } from "../../src/ports/clock.js";
import type { JobStore, StoreContext } from "../../src/ports/job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import type { SequentialIds } from "../../src/testing/sequential-ids.js";
import { harness } from "../support/executor-harness.js";
import type { SimulatedClock } from "./simulated-clock.js";
import type { SimulatedLedger } from "./simulated-ledgers.js";

const HOUR = 3_600_000;

export interface SimulatedWorld {
  readonly ledger: SimulatedLedger;
  readonly ids: SequentialIds;
  readonly random: () => number;
  readonly job: AnyJob;
  readonly schedules: readonly ScheduleDefinition[];
}

/** A process of its own on the ledger, which can be killed: nothing that it asks for is done or answered any more. */
export class SimulatedProcess {
  readonly executor: JobExecutor;
  /** How likely it dies at each act on the ledger. */
  deadly = 0;
  readonly #scheduler = new WokenScheduler(new ManualClock(0));
  readonly #store: JobStore;
  #isDead = false;

  constructor(private readonly world: SimulatedWorld) {
    const { ledger, ids, job, schedules } = world;
    this.#store = ledger.store();
    const { executor } = harness({
      // Its runs are carried out by the test: a worker asks the ledger every second, which takes too long for two years.
      role: "submit",
      scheduler: this.#scheduler,
      store: this.#mortal(this.#store),
      clock: this.#clock(ledger.clock),
      ids,
      jobs: [job],
      schedules,
      // Leases are looked after all the time: two years of it by the minute would take hours.
      leaseMs: 4 * HOUR,
    });
    this.executor = executor;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  wake(): void {
    this.#scheduler.wake();
  }

  /** What the system does when it has died. */
  async bury(): Promise<void> {
    await this.world.ledger.end(this.#store);
  }

  /** Dies just before an act, or just after it, when nobody hears the answer. */
  #mortal<T extends object>(part: T): T {
    const { ledger, random } = this.world;
    return new Proxy(part, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name === "schedules") return this.#mortal(value as object);
        if (typeof value !== "function" || name === "close") return value;
        return (...given: unknown[]) => {
          if (this.#isDead) return new Promise(() => undefined);
          const dies = random() < this.deadly;
          if (dies && random() < 0.5) return this.#die();
          const asked = name === "open" ? [this.#opened(given[0] as StoreContext)] : given;
          const answer: unknown = Reflect.apply(value, target, asked);
          if (answer instanceof Promise) void ledger.clock.waitFor(answer).catch(() => undefined);
          return dies ? this.#die() : answer;
        };
      },
    });
  }

  /** A store's own waits are for other processes and its server, which know nothing of the simulation's time. */
  #opened(context: StoreContext): StoreContext {
    const { clock } = this.world.ledger;
    return { ...context, clock: { now: () => clock.now(), after: afterInFact } };
  }

  /** On which nothing of a dead process is called any more. */
  #clock(clock: SimulatedClock): Clock {
    return {
      now: () => clock.now(),
      after: (delayMs, fire) => clock.after(delayMs, () => void (this.#isDead || fire())),
    };
  }

  #die(): Promise<never> {
    this.#isDead = true;
    return new Promise(() => undefined);
  }
}

/** Wakes when the test says so. */
class WokenScheduler extends CronerScheduler {
  wake: () => void = () => undefined;

  override start(wake: () => void): void {
    this.wake = wake;
  }

  override wakeAt(): void {
    // The test wakes it.
  }
}

export function afterInFact(delayMs: number, fire: () => void): () => void {
  const timer = setTimeout(fire, delayMs);
  return () => clearTimeout(timer);
}
