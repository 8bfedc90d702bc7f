import { sleep } from "./pause.js";

/** What is there sooner is hardly waited for. */
const WAIT_MS = 20;

/**
 * Gives what `things` gives; calls `onWait` when the next one takes its time, which is looked for now and then. What it throws
 * is thrown when the next one is there.
 */
export async function* noticingWaits<T>(things: AsyncIterable<T>, onWait: () => Promise<void>): AsyncGenerator<T> {
  const iterator = things[Symbol.asyncIterator]();
  /** One for many things: a timer for each would cost more than all the rest here. */
  let look: Promise<boolean> | undefined;
  let isOver = false;
  try {
    for (;;) {
      const next = iterator.next();
      const isThere = next.then(
        () => true,
        () => true,
      );
      look ??= sleep(WAIT_MS).then(() => {
        look = undefined;
        return false;
      });
      if (!(await Promise.race([isThere, look]))) await onWait();
      // As `for await` has it: who has ended, or has failed, is not told to end.
      isOver = true;
      const given: IteratorResult<T, unknown> = await next;
      if (given.done === true) return;
      isOver = false;
      yield given.value;
    }
  } finally {
    if (!isOver) await iterator.return?.();
  }
}
