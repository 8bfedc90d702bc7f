/**
 * Runs `act` and gives up waiting for it when one of the signals is aborted, with that signal's reason. What it is in the
 * middle of still ends by itself; `busy` holds it until then.
 *
 * @param discard frees a result that came too late.
 */
export async function abortable<T>(
  signals: readonly AbortSignal[],
  act: () => Promise<T>,
  busy: Set<Promise<unknown>>,
  discard?: (late: T) => Promise<void>,
): Promise<T> {
  for (const signal of signals) signal.throwIfAborted();
  const work = act();
  const isLate = (): boolean => signals.some(({ aborted }) => aborted);
  const tail = work.then((result) => (isLate() ? discard?.(result) : undefined)).catch(() => undefined);
  busy.add(tail);
  void tail.then(() => busy.delete(tail));
  return new Promise<T>((resolve, reject) => {
    const abort = ({ target }: Event): void => reject((target as AbortSignal).reason as Error);
    for (const signal of signals) signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      for (const signal of signals) signal.removeEventListener("abort", abort);
    });
  });
}
