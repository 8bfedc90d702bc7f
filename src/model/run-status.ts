/** Where a run stands. `docs/run-states.md` draws the table. */
export const RUN_STATUSES = ["pending", "running", "committing", "succeeded", "failed", "cancelled"] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];

/** A status that never changes again (law 4). */
export type TerminalStatus = "succeeded" | "failed" | "cancelled";

/** The only changes of status there are. A run that is not here moves nowhere. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ["running", "cancelled", "failed"],
  running: ["committing", "pending", "failed", "cancelled"],
  committing: ["succeeded", "pending", "failed"],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export function isTerminal(status: RunStatus): status is TerminalStatus {
  return RUN_TRANSITIONS[status].length === 0;
}

/** Whether a run may move from one status to the other. */
export function mayMove(from: RunStatus, to: RunStatus): boolean {
  return RUN_TRANSITIONS[from].includes(to);
}

export function isRunStatus(value: unknown): value is RunStatus {
  return (RUN_STATUSES as readonly unknown[]).includes(value);
}
