import { JobError } from "../model/job-error.js";
import { isLastEvent, type RunEvent } from "../model/run-event.js";
import { checkedEventsOptions } from "./checked-arguments.js";
import { RunBell, type RunFollowing } from "./run-bell.js";

const PAGE = 256;

export interface EventsOptions {
  /** Start behind this sequence number. Default 0: from the first event. */
  readonly after?: number;
  /** Ends the iteration by throwing `aborted`. */
  readonly signal?: AbortSignal;
}

/**
 * The log of a run, from the ledger, then live until its last event. Each reader pulls at its own pace: one that is slow
 * or gone holds up nobody and costs no memory. A ledger that does not answer is asked again for a minute.
 *
 * @throws JobError `unknown_run`, `aborted`, `not_started`, `store_unavailable`, or `executor_stopped` when the executor
 *   stops first.
 */
export function runEvents(
  runId: string,
  options: EventsOptions,
  following: RunFollowing,
): AsyncIterableIterator<RunEvent> {
  const reader = { left: false, ring: (): void => undefined };
  const events = follow(runId, options, following, reader);
  const iterator: AsyncIterableIterator<RunEvent> = {
    next: () => events.next(),
    // Wakes a reader that waits for the next event; the generator alone would first wait for it, too.
    return: () => {
      reader.left = true;
      reader.ring();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

async function* follow(
  runId: string,
  options: EventsOptions,
  following: RunFollowing,
  reader: { readonly left: boolean; ring: () => void },
): AsyncGenerator<RunEvent> {
  const { after = 0, signal } = checkedEventsOptions(options);
  following.mayRead();
  const { ledger } = following;
  const bell = new RunBell(runId, following, signal);
  reader.ring = bell.ring;
  try {
    for (let position = after; ;) {
      bell.hush();
      const page = await bell.asked(() => ledger.readEvents(runId, { after: position, limit: PAGE }));
      for (const event of page) {
        position = event.seq;
        yield event;
        if (isLastEvent(event)) return;
        bell.refuseAborted();
      }
      if (reader.left) return;
      if (page.length > 0) continue;
      if (await bell.asked(() => hasEnded(runId, following, position))) return;
      await bell.rung();
    }
  } finally {
    bell.close();
  }
}

// Also true for a reader that starts behind the last event.
async function hasEnded(runId: string, { ledger }: RunFollowing, position: number): Promise<boolean> {
  const run = await ledger.get(runId);
  if (!run) {
    throw new JobError("unknown_run", {
      message: `There is no run "${runId}".`,
      hint: "Check the id; a run that was pruned is gone.",
      runId,
    });
  }
  return run.finishedAt !== null && run.lastEventSeq <= position;
}
