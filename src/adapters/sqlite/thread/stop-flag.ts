import { JobError } from "../../../model/job-error.js";

/**
 * How the host's thread stops the worker: one number in shared memory. The worker looks at it before each statement and
 * sleeps on it while it waits for a lock.
 *
 * Ending the worker from outside is no way to stop it: better-sqlite3 takes the whole process down when a statement
 * fails in a thread that is being terminated (`ToLocalChecked` of an empty value in its error path).
 */
export class StopFlag {
  readonly cell: Int32Array<SharedArrayBuffer>;

  constructor(cell = new Int32Array(new SharedArrayBuffer(4))) {
    this.cell = cell;
  }

  raise(): void {
    Atomics.store(this.cell, 0, 1);
    Atomics.notify(this.cell, 0);
  }

  lower(): void {
    Atomics.store(this.cell, 0, 0);
  }

  throwIfRaised(): void {
    if (Atomics.load(this.cell, 0) === 0) return;
    throw new JobError("aborted", { message: "The write was stopped.", hint: "The signal's reason says by whom." });
  }

  /** Only in the worker: blocks its thread, until the time is over or the flag is raised. */
  pause(forMs: number): void {
    Atomics.wait(this.cell, 0, 0, forMs);
    this.throwIfRaised();
  }
}
