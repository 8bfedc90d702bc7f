import { FollowerPoll } from "../runs/follower-poll.js";
import type { RunFollowing } from "../runs/run-bell.js";
import { runEvents, type EventsOptions } from "../runs/run-events.js";
import { runResult, type ResultOptions } from "../runs/run-handle.js";
import type { RunServices } from "../runs/run-services.js";
import { within } from "../runs/waiting.js";
import type { FinishedRun } from "../model/run.js";
import type { RunEvent } from "../model/run-event.js";
import { CLOSE_TIMEOUT_MS } from "./close-parts.js";
import { PendingPromises } from "./pending-promises.js";

/** Everybody who follows a run of this executor. */
export class Followers {
  readonly #results = new PendingPromises();
  readonly #poll: FollowerPoll;
  readonly #following: RunFollowing;

  /** @param mayRead throws when the ledger may not be asked. */
  constructor(
    private readonly services: RunServices,
    mayRead: () => void,
  ) {
    const { ledger, clock, stopped } = services;
    this.#poll = new FollowerPoll(ledger.signals, clock);
    const poll = (): void => this.#poll.start();
    this.#following = { ledger, clock, stopped: stopped.signal, mayRead, poll };
  }

  events(id: string, options: EventsOptions): AsyncIterable<RunEvent> {
    return runEvents(id, options, this.#following);
  }

  result(id: string, options: ResultOptions): Promise<FinishedRun> {
    return this.#results.add(runResult(id, options, this.#following));
  }

  /** Sends everybody away. Whoever waits for a run that has ended meanwhile still reads it. */
  async stop(): Promise<void> {
    this.services.stopped.abort();
    this.services.ledger.signals.emitToFollowers("stopped");
    await within(this.services.clock, CLOSE_TIMEOUT_MS, this.#results.settled());
    this.#poll.stop();
  }
}
