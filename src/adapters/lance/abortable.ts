/** The same promise, but given up when the signal is aborted: Lance's own calls cannot be cancelled. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let giveUp = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", giveUp);
    // What is given up may still fail, and then nobody waits for it.
    work.catch(() => undefined);
  }
}
