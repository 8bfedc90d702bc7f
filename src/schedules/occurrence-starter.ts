import { err, type Result } from "neverthrow";
import { causeChain } from "../model/job-error.js";
import { runKey } from "../model/occurrence-key.js";
import type { Occurrence } from "../model/occurrence.js";
import type { CreatedRun } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { submitBulk, type BulkItem } from "../runs/bulk-submission.js";
import { asSubmitError } from "../runs/submit-failure.js";
import { within } from "../runs/waiting.js";
import type { OccurrenceEnder, ToStart } from "./occurrence-ender.js";
import { runsToCancel } from "./overlap.js";
import type { ScheduleServices } from "./schedule-services.js";
import { timeValues } from "./time-values.js";

/** Refusals that say nothing of the job: the occurrence is tried again. */
const TRIED_AGAIN: ReadonlySet<string> = new Set(["store_unavailable", "executor_stopped", "not_started", "aborted"]);

/** Whoever fires schedules waits so long for their submits, in milliseconds: then they go on by themselves. */
const PATIENCE_MS = 1_000;
/** So many starts go on beside each other: enough that none waits for the commits of those before it. */
const MOST_BESIDE = 4;
/** Submits that take longer are called off, and tried again, in milliseconds: those of several jobs each by itself. */
const LONGEST_SUBMIT_MS = 30_000;
const LONGEST_MIXED_MS = 5_000;

/**
 * Makes runs of occurrences. Any number of processes may do so for the same occurrence: its key is the run's idempotency
 * key, so that the ledger makes one run of it.
 */
export class OccurrenceStarter {
  /** Keys of what is being submitted here. */
  readonly #under = new Set<string>();
  /** Jobs whose submits did not end in time, a database's that does not answer: they keep no others waiting. */
  readonly #slowJobs = new Set<string>();
  readonly #submits = new Set<AbortController>();
  readonly #starting = new Set<Promise<void>>();
  #isStopped = false;

  constructor(
    private readonly services: ScheduleServices,
    private readonly ender: OccurrenceEnder,
  ) {}

  /** Resolves when their runs are made, or after a second. */
  start(all: readonly ToStart[]): Promise<unknown> {
    return within(this.services.runs.clock, PATIENCE_MS, this.#begin(all));
  }

  /** Resolves when few others are being started, or after a second: whoever fires what is due goes on meanwhile. */
  async startBeside(all: readonly ToStart[]): Promise<void> {
    if (all.length === 0) return;
    if (this.#starting.size >= MOST_BESIDE) {
      await within(this.services.runs.clock, PATIENCE_MS, Promise.race(this.#starting));
    }
    void this.#begin(all);
  }

  /** Never rejects. */
  #begin(all: readonly ToStart[]): Promise<void> {
    const fresh = all.filter(({ occurrence }) => !this.#under.has(occurrence.key));
    if (fresh.length === 0 || this.#isStopped) return Promise.resolve();
    for (const { occurrence } of fresh) this.#under.add(occurrence.key);
    const starting = this.#startAll(fresh)
      .catch((error: unknown) => {
        const message = causeChain(error);
        this.services.runs.logger.warn("Runs of schedules could not be submitted; they are tried again.", { message });
      })
      .finally(() => {
        this.#starting.delete(starting);
        for (const { occurrence } of fresh) this.#under.delete(occurrence.key);
      });
    this.#starting.add(starting);
    return starting;
  }

  open(): void {
    this.#isStopped = false;
  }

  /** Calls off what is being submitted: whoever finds it later goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const submit of this.#submits) submit.abort();
    await Promise.all(this.#starting);
  }

  /** Cancels the runs of these schedules for which something waits. */
  async cancelReplaced(scheduleIds: readonly string[]): Promise<void> {
    if (scheduleIds.length === 0) return;
    const open = await this.services.store.openOccurrences(scheduleIds);
    for (const id of scheduleIds) {
      await this.cancelRuns(
        id,
        open.filter(({ scheduleId }) => scheduleId === id),
      );
    }
  }

  /** Cancels what is under way of a schedule whose firing waits for that. @param open what is open of it. */
  async cancelRuns(id: string, open: readonly Occurrence[]): Promise<void> {
    for (const runId of runsToCancel(open.filter(({ cause }) => cause !== "backfill"))) {
      await this.services.cancelRun(runId, `A later firing of the schedule "${id}" takes its place.`);
    }
  }

  async #startAll(all: readonly ToStart[]): Promise<void> {
    for (let left = all; left.length > 0 && !this.#isStopped;) left = await this.#start(left);
  }

  /** @returns what waited for those of which no run could be made. */
  async #start(all: readonly ToStart[]): Promise<readonly ToStart[]> {
    const { store, cancelRun } = this.services;
    const results = await this.#submit(all);
    let refused: { readonly occurrence: ToStart["occurrence"]; readonly error: JobSubmitError }[] = [];
    const made: { readonly occurrence: ToStart["occurrence"]; readonly runId: string }[] = [];
    for (const [{ occurrence }, result] of results) {
      const runId = result.match(
        ({ run }) => run.id,
        // The job was changed between two tries: the run of the first is there.
        (error) => (error.code === "idempotency_conflict" ? error.runId : undefined),
      );
      if (runId !== undefined) made.push({ occurrence, runId });
      else if (result.isErr() && !TRIED_AGAIN.has(result.error.code)) refused.push({ occurrence, error: result.error });
    }
    // A process that died may have made the run, and the job is refused only by now.
    const known = await store.runsOf(refused.map(({ occurrence }) => occurrence.key));
    refused = refused.filter(({ occurrence }) => {
      const runId = known.get(occurrence.key);
      if (runId !== undefined) made.push({ occurrence, runId });
      return runId === undefined;
    });
    const changes = made.map(({ occurrence, runId }): ScheduleChange => {
      return { update: [{ from: "scheduled", to: { ...occurrence, state: "started", reason: null, runId } }] };
    });
    const done = await store.advance(changes);
    for (const [at, { occurrence, runId }] of made.entries()) {
      if (!done[at] && (await this.#wasCalledOff(occurrence.key, runId))) {
        await cancelRun(runId, "Its schedule or its backfill was called off.");
      }
    }
    // While they were being submitted, there was no run to cancel.
    await this.cancelReplaced([...new Set(made.map(({ occurrence }) => occurrence.scheduleId))]);
    if (refused.length === 0) return [];
    return this.ender.refused(refused);
  }

  /** While its run was being submitted. Its entry names the run, which tells what became of it. */
  async #wasCalledOff(key: string, runId: string): Promise<boolean> {
    const { store } = this.services;
    const occurrence = await store.getOccurrence(key);
    if (occurrence?.state !== "cancelled" || occurrence.runId !== null) return false;
    const [done] = await store.advance([{ update: [{ from: "cancelled", to: { ...occurrence, runId } }] }]);
    return done === true;
  }

  async #submit(all: readonly ToStart[]): Promise<readonly Submitted[]> {
    const bulks = new Map<string, ToSubmit[]>();
    const faulty: Submitted[] = [];
    for (const one of all) {
      try {
        const { job } = one.schedule.definition;
        const name = this.#slowJobs.has(job) ? job : "";
        const bulk = bulks.get(name) ?? [];
        bulks.set(name, bulk);
        bulk.push({ ...one, item: this.#itemOf(one) });
      } catch (fault) {
        faulty.push([one, err(asSubmitError(fault))]);
      }
    }
    const submitted = await Promise.all([...bulks.values()].map((bulk) => this.#submitTogether(bulk)));
    return [...faulty, ...submitted.flat()];
  }

  /** If one of several jobs keeps the others waiting, each is submitted by itself. */
  async #submitTogether(all: readonly ToSubmit[]): Promise<readonly Submitted[]> {
    const { runs, submission } = this.services;
    const jobs = new Set(all.map(({ item }) => item.name));
    const submit = new AbortController();
    this.#submits.add(submit);
    let isLate = false;
    const callOff = runs.clock.after(jobs.size > 1 ? LONGEST_MIXED_MS : LONGEST_SUBMIT_MS, () => {
      isLate = true;
      submit.abort();
    });
    const items = all.map(({ item }) => item);
    const results = await submitBulk(
      items,
      { signal: submit.signal },
      { submission, services: runs, refusal: () => null },
    );
    callOff();
    this.#submits.delete(submit);
    const submitted = all.map((one, at): Submitted => [one, results[at]!]);
    for (const job of jobs) {
      if (isLate) this.#slowJobs.add(job);
      else this.#slowJobs.delete(job);
    }
    if (!isLate || jobs.size === 1) return submitted;
    const late = submitted.filter(([, result]) => result.isErr() && result.error.code === "aborted");
    return [...submitted.filter((one) => !late.includes(one)), ...(await this.#submit(late.map(([one]) => one)))];
  }

  #itemOf({ occurrence, schedule: { definition } }: ToStart): BulkItem {
    const { job, parameters } = definition;
    const times = timeValues(definition, this.services.jobs.get(job), occurrence);
    return { name: job, params: { ...parameters, ...times }, options: { idempotencyKey: runKey(occurrence.key) } };
  }
}

interface ToSubmit extends ToStart {
  readonly item: BulkItem;
}

type Submitted = readonly [ToStart, Result<CreatedRun, JobSubmitError>];
