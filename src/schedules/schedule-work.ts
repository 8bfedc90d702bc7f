import { causeChain, type JobError } from "../model/job-error.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import type { ScheduleStore } from "../ports/schedule-store.js";
import { sideBySide } from "../runs/side-by-side.js";
import { answeringStore } from "./answering-store.js";
import { BackfillKeeper } from "./backfill-keeper.js";
import { DueSchedules } from "./due-schedules.js";
import { OccurrenceEnder } from "./occurrence-ender.js";
import { OccurrenceStarter } from "./occurrence-starter.js";
import { ScheduleKeeper } from "./schedule-keeper.js";
import { type BadScheduleFile, fileName, type ScheduleFolder } from "./schedule-folder.js";
import type { ScheduleServices } from "./schedule-services.js";
import { type ScheduleError, Schedules } from "./schedules.js";

/** What an executor makes it of. */
export type ScheduleParts = Omit<ScheduleServices, "wake">;

/** So many schedules of the host, or of its folder, are looked for in one question, and so many of those that are new or changed put at once. */
const ASKED_TOGETHER = 500;
const PUT_AT_ONCE = 16;

/** The side of an executor that keeps schedules. */
export class ScheduleWork {
  readonly schedules: Schedules;
  readonly #keeper: ScheduleKeeper;
  readonly #store: ScheduleStore;
  #isStarting = false;

  constructor(
    private readonly services: ScheduleParts,
    private readonly declared: readonly ScheduleDefinition[],
    refusal: () => JobError | null,
    private readonly folder?: ScheduleFolder,
  ) {
    const store = answeringStore(services.store, services.runs.clock);
    this.#store = store;
    const all: ScheduleServices = { ...services, store, wake: () => this.#keeper.wake() };
    const ender = new OccurrenceEnder(all);
    const starter = new OccurrenceStarter(all, ender);
    const due = new DueSchedules(all, starter);
    this.#keeper = new ScheduleKeeper(all, due, starter, ender, new BackfillKeeper(all));
    this.schedules = new Schedules(all, starter, () => (this.#isStarting ? null : refusal()), folder);
  }

  /**
   * Puts the schedules of the folder and the declared ones, and fires what is due. A file that holds no schedule, or one that
   * is refused, is left out and told.
   *
   * @throws JobError of a declared schedule that is refused; others may be put by then.
   */
  async start(): Promise<readonly BadScheduleFile[]> {
    let bad: readonly BadScheduleFile[];
    this.#isStarting = true;
    try {
      bad = await this.#putFiles();
      await this.#putDeclared();
    } finally {
      this.#isStarting = false;
    }
    await this.#keeper.start();
    return bad;
  }

  async #putDeclared(): Promise<void> {
    const refused: ScheduleError[] = [];
    await this.#put(this.declared, async (definition) => {
      if (refused.length > 0) return;
      const put = await this.schedules.put(definition);
      if (put.isErr()) refused.push(put.error);
    });
    if (refused[0]) throw refused[0];
  }

  /** Those that are new or changed. */
  async #put(all: readonly ScheduleDefinition[], put: (one: ScheduleDefinition) => Promise<void>): Promise<void> {
    for (let from = 0; from < all.length; from += ASKED_TOGETHER) {
      const some = all.slice(from, from + ASKED_TOGETHER);
      const known = await this.#store.getSchedules(some.map(({ id }) => id));
      const hashes = new Map(known.map(({ definition }) => [definition.id, definition.hash]));
      await sideBySide(
        some.filter(({ id, hash }) => hashes.get(id) !== hash),
        PUT_AT_ONCE,
        put,
      );
    }
  }

  async #putFiles(): Promise<readonly BadScheduleFile[]> {
    if (this.folder === undefined) return [];
    const { definitions, bad } = await this.folder.read();
    const refused: BadScheduleFile[] = [];
    await this.#put(definitions, async (definition) => {
      const put = await this.schedules.put(definition);
      if (put.isErr()) refused.push({ file: fileName(definition.id), message: put.error.message });
    });
    const all = [...bad, ...refused.sort((left, right) => (left.file < right.file ? -1 : 1))];
    for (const { file, message } of all) {
      this.services.runs.logger.warn("A file holds no schedule that can be fired.", { file, message });
    }
    return all;
  }

  async stop(): Promise<void> {
    try {
      await this.#keeper.stop();
    } catch (error) {
      this.services.runs.logger.warn("The schedules did not end cleanly.", { message: causeChain(error) });
    }
  }
}
