import type { StopFlag } from "./stop-flag.js";

/** How long the worker waits before it looks at the flag again. */
const LOOK_EVERY_MS = 20;

/** How many batches the worker may still send: a number in shared memory, so that a slow reader holds a scan back. */
export class BatchCredit {
  readonly cell: Int32Array<SharedArrayBuffer>;

  constructor(cell = new Int32Array(new SharedArrayBuffer(4))) {
    this.cell = cell;
  }

  /** Before a scan: what the last one left over counts no more. */
  reset(batches: number): void {
    Atomics.store(this.cell, 0, batches);
  }

  grant(): void {
    Atomics.add(this.cell, 0, 1);
    Atomics.notify(this.cell, 0);
  }

  /** Only in the worker: blocks its thread until there is credit for a batch, or the flag is raised. */
  spend(stop: StopFlag): void {
    while (Atomics.load(this.cell, 0) < 1) {
      stop.throwIfRaised();
      Atomics.wait(this.cell, 0, 0, LOOK_EVERY_MS);
    }
    Atomics.sub(this.cell, 0, 1);
  }
}
