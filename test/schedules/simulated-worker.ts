import type { RunError } from "../../src/model/run.js";
import type { JobStore } from "../../src/ports/job-store.js";
import type { SimulatedClock } from "./simulated-clock.js";

const HOUR = 3_600_000;
const FAILURE: RunError = { code: "query_failed", message: "one in twenty fails", hint: "None.", retryable: false };

/** Claims what is pending, and ends what has taken its time: some runs fail, some take for longer than to the next firing. */
export class SimulatedWorker {
  readonly #under = new Map<string, { readonly epoch: number; readonly until: number }>();

  constructor(
    private readonly store: JobStore,
    private readonly clock: SimulatedClock,
    private readonly random: () => number,
  ) {}

  async work(): Promise<void> {
    const claimed = await this.store.claimRuns({ owner: "worker", limit: 100, leaseMs: 365 * 24 * HOUR });
    for (const { id, lease } of claimed) {
      const tookMs = this.random() < 0.2 ? this.random() * 30 * HOUR : 0;
      this.#under.set(id, { epoch: lease?.epoch ?? 0, until: this.clock.now() + tookMs });
    }
    for (const [id, { epoch, until }] of this.#under) {
      if (until > this.clock.now()) continue;
      this.#under.delete(id);
      if (this.random() < 0.05) {
        await this.store.transition(id, { from: "running", to: "failed", epoch, error: FAILURE }, []);
      } else {
        await this.store.transition(id, { from: "running", to: "committing", epoch, commitId: id }, []);
        await this.store.transition(id, { from: "committing", to: "succeeded", epoch, rowsWritten: 1 }, []);
      }
    }
  }
}
