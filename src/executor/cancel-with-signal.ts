import { causeChain } from "../model/job-error.js";
import type { CancelOutcome } from "../model/run.js";
import type { RunServices } from "../runs/run-services.js";

/** Cancels a stored run when its submitter's signal is aborted, until the run has ended. */
export function cancelWithSignal(
  signal: AbortSignal,
  runId: string,
  { ledger, logger }: RunServices,
  cancelRun: (reason: string) => Promise<CancelOutcome>,
): void {
  const leave = (): void => {
    signal.removeEventListener("abort", cancel);
    unsubscribe();
  };
  const cancel = (): void => {
    cancelRun("the submitter's signal was aborted").then(
      (outcome) => {
        // A run in a transaction of the host's is not known before that commits.
        if (outcome !== "unknown_run") leave();
      },
      (error: unknown) => {
        logger.warn("A run could not be cancelled by its signal.", { runId, message: causeChain(error) });
      },
    );
  };
  const unsubscribe = ledger.signals.subscribeTo(runId, (change) => {
    if (change === "ended" || change === "stopped") leave();
    else if (signal.aborted) cancel();
  });
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}
