/**
 * Runs `act` and gives up waiting for it when the signal is aborted, with the signal's reason. What it is in the middle
 * of still ends by itself; `busy` holds it until then.
 *
 * @param discard frees a result that came too late.
 */
export async function abortable<T>(
  signal: AbortSignal,
  act: () => Promise<T>,
  busy: Set<Promise<unknown>>,
  discard?: (late: T) => Promise<void>,
): Promise<T> {
  signal.throwIfAborted();
  const work = act();
  const tail = work.then((result) => (signal.aborted ? discard?.(result) : undefined)).catch(() => undefined);
  busy.add(tail);
  void tail.then(() => busy.delete(tail));
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
