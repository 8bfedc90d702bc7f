import { checkedSignals, checkedStopOptions } from "../runs/checked-arguments.js";
import type { StopOptions } from "./reports.js";

/** What stops: a {@link JobExecutor}, or whatever else stops in the same way. */
interface Stoppable {
  stop(options: StopOptions): Promise<unknown>;
}

export interface StopOnSignalsOptions extends StopOptions {
  /** Default `SIGTERM` and `SIGINT`. */
  readonly signals?: readonly NodeJS.Signals[];
  /**
   * Whether the process is ended once the executor has stopped: by the same signal, as if nobody had listened to it.
   * Default false: it ends by itself when nothing else keeps it alive.
   */
  readonly exit?: boolean;
  /** Who is sent the signals. Default: this process. */
  readonly process?: Pick<NodeJS.Process, "on" | "off" | "kill" | "pid">;
}

/**
 * Stops the executor when the process is asked to end. The first signal stops it as `timeoutMs` and `mode` say, by default
 * with a drain of 30 s; the second one interrupts at once what still runs, which is handed back. A third one does what it
 * does by itself. Nothing listens any more once the executor has stopped.
 *
 * @returns takes the listeners off.
 * @throws JobError `invalid_definition`.
 */
export function stopOnSignals(executor: Stoppable, options: StopOnSignalsOptions = {}): () => void {
  const { signals: given = ["SIGTERM", "SIGINT"], exit = false, process: host = process, ...rest } = options;
  const stopOptions = checkedStopOptions(rest);
  const signals = checkedSignals(given);
  let heard = 0;
  const leave = (): void => {
    for (const signal of signals) host.off(signal, listen);
  };
  const listen = (signal: NodeJS.Signals): void => {
    heard += 1;
    if (heard > 1) {
      leave();
      void executor.stop({ ...stopOptions, mode: "cancel" });
      return;
    }
    void executor.stop(stopOptions).finally(() => {
      leave();
      if (exit) host.kill(host.pid, signal);
    });
  };
  for (const signal of signals) host.on(signal, listen);
  return leave;
}
