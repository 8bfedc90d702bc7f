import { JobError } from "../model/job-error.js";
import type { Backfill } from "../model/backfill.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import { pause } from "../runs/waiting.js";
import { firingsOfRange, isPassedOver, statesInRange } from "./backfill-range.js";
import { isInstant } from "./instant-range.js";
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
  /** Resolves when it has ended. */
  result(options?: { readonly signal?: AbortSignal }): Promise<Backfill>;
}

const TRIES = 50;
const LOOK_AGAIN_MS = 250;
const MOST_AT_ONCE = 1_000;

/** Firings of a range made on demand: stored first, so that a crash does not end them. */
export class Backfills {
  constructor(private readonly services: ScheduleServices) {}

  async plan(definition: ScheduleDefinition, options: BackfillOptions): Promise<BackfillPlan> {
    const { from, to, order, reprocess } = checked(options);
    const all = firingsOfRange(definition, { from, to, order }, this.services.scheduler);
    const states = await statesInRange(this.services.store, definition.id, { from, to });
    const isLeftAlone = (at: Date): boolean => isPassedOver(reprocess, states.get(at.getTime()));
    return { fires: all.filter((at) => !isLeftAlone(at)), passedOver: all.filter(isLeftAlone) };
  }

  async start(definition: ScheduleDefinition, options: BackfillOptions): Promise<BackfillHandle> {
    const { store, scheduler, runs, wake } = this.services;
    const asked = checked(options);
    const total = firingsOfRange(definition, asked, scheduler).length;
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
      result: ({ signal } = {}) => this.#result(id, signal),
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
      signal?.throwIfAborted();
      runs.stopped.signal.throwIfAborted();
      const backfill = await store.getBackfill(id);
      if (backfill === undefined) throw unknownBackfill(id);
      if (backfill.endedAt !== null) return backfill;
      await pause(runs.clock, LOOK_AGAIN_MS, signal);
    }
  }
}

function checked(options: BackfillOptions): Required<BackfillOptions> {
  const { from, to, order = "oldest_first", concurrency = 1, reprocess = "none" } = options;
  if (!isTime(from)) throw invalid("from", "from is no Date.");
  if (!isTime(to) || to <= from) throw invalid("to", "to is no Date later than from.");
  if (!["oldest_first", "newest_first"].includes(order))
    throw invalid("order", 'order is "oldest_first" or "newest_first".');
  if (!["none", "failed", "all"].includes(reprocess))
    throw invalid("reprocess", 'reprocess is "none", "failed" or "all".');
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MOST_AT_ONCE) {
    throw invalid("concurrency", `concurrency is a whole number from 1 to ${MOST_AT_ONCE}.`);
  }
  return { from: new Date(from), to: new Date(to), order, concurrency, reprocess };
}

function isTime(value: unknown): value is Date {
  return value instanceof Date && isInstant(value.getTime());
}

function invalid(field: string, message: string): JobError {
  return new JobError("invalid_definition", { message, hint: "See the docstrings of BackfillOptions.", field });
}

function unknownBackfill(id: string): JobError {
  return new JobError("unknown_schedule", {
    message: `There is no backfill "${id}".`,
    hint: "Its id is that of its handle.",
  });
}
