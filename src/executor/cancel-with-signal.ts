import { causeChain } from "../model/job-error.js";
import type { RunServices } from "../runs/run-services.js";

/** Cancels a stored run when its submitter's signal is aborted, until the run has ended. */
export function cancelWithSignal(
  signal: AbortSignal,
  runId: string,
  { ledger, logger }: RunServices,
  cancelRun: (reason: string) => Promise<unknown>,
): void {
  const cancel = (): void => {
    cancelRun("the submitter's signal was aborted").catch((error: unknown) => {
      logger.warn("A run could not be cancelled by its signal.", { runId, message: causeChain(error) });
    });
  };
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const unsubscribe = ledger.signals.subscribeTo(runId, (change) => {
    if (change !== "ended" && change !== "stopped") return;
    signal.removeEventListener("abort", cancel);
    unsubscribe();
  });
}
