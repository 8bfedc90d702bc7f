import type { FinishedRun, RunEvent, RunHandle } from "millrace";
import { grouped, type Screen } from "./screen.js";

interface FollowOptions {
  readonly expectedRows: number;
  /** Called with each event, after it was printed. */
  readonly onEvent?: (event: RunEvent) => Promise<void>;
}

/** Prints a run's events as they come, with a bar for its progress, and gives its end. */
export async function followRun(screen: Screen, handle: RunHandle, options: FollowOptions): Promise<FinishedRun> {
  let startedAt = 0;
  const showProgress = (rows: number, at: Date): void => {
    const speed = (rows * 1000) / Math.max(1, at.getTime() - startedAt);
    const figures = `${grouped(rows).padStart(9)} rows ${grouped(speed).padStart(10)} rows/s`;
    screen.live(screen.progress(rows / options.expectedRows, figures));
  };
  for await (const event of handle.events()) {
    if (event.type === "run.running") startedAt = event.at.getTime();
    if (event.type === "run.progress") showProgress(event.rows, event.at);
    else {
      if (event.type === "run.committing") showProgress(event.rowsStaged, event.at);
      screen.keep();
      const number = `#${event.seq}`.padEnd(4);
      screen.line(
        `  ${screen.style("dim", number)} ${screen.style(colourOf(event), event.type.padEnd(20))} ${tell(event)}`,
      );
    }
    await options.onEvent?.(event);
  }
  return handle.result();
}

/** What an event says, in one short line. */
function tell(event: RunEvent): string {
  switch (event.type) {
    case "run.pending":
      return event.jobName;
    case "run.running":
      return `attempt ${event.attempt}`;
    case "run.progress":
      return `${grouped(event.rows)} rows`;
    case "run.committing":
      return `${grouped(event.rowsStaged)} rows staged, permit granted`;
    case "run.succeeded":
      return `${grouped(event.rowsWritten)} rows`;
    case "run.failed":
      return event.error.code;
    case "run.retrying":
      return event.cause;
    case "run.commit_in_doubt":
    case "run.cancel_requested":
    case "run.cancelled":
      return event.reason ?? "";
  }
}

function colourOf({ type }: RunEvent): "green" | "red" | "yellow" | "cyan" {
  if (type === "run.succeeded") return "green";
  if (type === "run.failed") return "red";
  return type === "run.cancelled" || type === "run.cancel_requested" ? "yellow" : "cyan";
}
