import { JobError } from "../model/job-error.js";
import type { Backfill } from "../model/backfill.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import { pause } from "../runs/waiting.js";
import { firingsOfRange, isPassedOver, statesInRange } from "./backfill-range.js";
import { checkedBackfillOptions, checkedResult } from "./checked-calls.js";
import { scheduleBusy } from "./schedule-errors.js";
import type { ScheduleServices } from "./schedule-services.js";

export interface BackfillOptions {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  /** Default `oldest_first`. */
  readonly order?: Backfill["order"];
  /** How many of its runs are open at a time. Default 1. */
  readonly concurrency?: number;
  /** Firings that were carried out already. Default `none`: they are left alone. */
  readonly reprocess?: Backfill["reprocess"];
}

/** What a backfill would do. */
export interface BackfillPlan {
  /** The nominal times that it would fire, in its order. */
  readonly fires: readonly Date[];
  readonly passedOver: readonly Date[];
}

export interface BackfillHandle {
  readonly id: string;
  get(): Promise<Backfill | undefined>;
  /** Starts nothing more, and cancels its runs. False: it has ended already. */
  cancel(): Promise<boolean>;
  /** Resolves when it has ended. @throws JobError `unknown_schedule`, `aborted`, `executor_stopped`, `store_unavailable`. */
  result(options?: { readonly signal?: AbortSignal }): Promise<Backfill>;
}

const TRIES = 50;
const LOOK_AGAIN_MS = 250;

/** Firings of a range made on demand: stored first, so that a crash does not end them. */
export class Backfills {
  constructor(private readonly services: ScheduleServices) {}

  async plan(definition: ScheduleDefinition, options: BackfillOptions): Promise<BackfillPlan> {
    const { from, to, order, reprocess } = checkedBackfillOptions(options);
    const all = await firingsOfRange(definition, { from, to, order }, this.services.scheduler);
    const states = await statesInRange(this.services.store, definition.id, { from, to });
    const isLeftAlone = (at: Date): boolean => isPassedOver(reprocess, states.get(at.getTime()));
    return { fires: all.filter((at) => !isLeftAlone(at)), passedOver: all.filter(isLeftAlone) };
  }

  async start(definition: ScheduleDefinition, options: BackfillOptions): Promise<BackfillHandle> {
    const { store, scheduler, runs, wake } = this.services;
    const asked = checkedBackfillOptions(options);
    const { length: total } = await firingsOfRange(definition, asked, scheduler);
    const backfill: Backfill = {
      ...asked,
      id: runs.ids.next(),
      scheduleId: definition.id,
      state: "running",
      version: 1,
      createdAt: await store.now(),
      endedAt: null,
      cursor: null,
      total,
      started: 0,
      succeeded: 0,
      failed: 0,
      cancelled: 0,
      passedOver: 0,
    };
    await store.createBackfill(backfill);
    wake();
    return this.handle(backfill.id);
  }

  handle(id: string): BackfillHandle {
    const { store } = this.services;
    return {
      id,
      get: () => store.getBackfill(id),
      cancel: () => this.#cancel(id),
      result: async (options = {}) => this.#result(id, checkedResult(options).signal),
    };
  }

  async #cancel(id: string): Promise<boolean> {
    const { store, wake } = this.services;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const backfill = await store.getBackfill(id);
      if (backfill === undefined || backfill.endedAt !== null) return false;
      if (backfill.state === "cancelling") return true;
      const next = { ...backfill, state: "cancelling" as const, version: backfill.version + 1 };
      const [done] = await store.advance([{ backfill: next }]);
      if (!done) continue;
      wake();
      return true;
    }
    throw scheduleBusy(id);
  }

  async #result(id: string, signal?: AbortSignal): Promise<Backfill> {
    const { store, runs } = this.services;
    for (;;) {
      if (signal?.aborted === true) throw aborted(id);
      if (runs.stopped.signal.aborted) throw stopped(id);
      const backfill = await store.getBackfill(id);
      if (backfill === undefined) throw unknownBackfill(id);
      if (backfill.endedAt !== null) return backfill;
      await pause(runs.clock, LOOK_AGAIN_MS, signal);
    }
  }
}

function unknownBackfill(id: string): JobError {
  return new JobError("unknown_schedule", {
    message: `There is no backfill "${id}".`,
    hint: "Its id is that of its handle.",
  });
}

function aborted(id: string): JobError {
  return new JobError("aborted", {
    message: `Somebody called off the wait for the end of the backfill ${id}.`,
    hint: "The backfill goes on; cancel() ends it.",
  });
}

function stopped(id: string): JobError {
  return new JobError("executor_stopped", {
    message: `The executor has stopped before the end of the backfill ${id}.`,
    hint: "It goes on where another executor keeps the schedules of this ledger.",
  });
}
