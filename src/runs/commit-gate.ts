import { isJobError, JobError } from "../model/job-error.js";
import type { CommitId, CommitReceipt } from "../model/write-mode.js";
import type { CommitDetails, CommitPermit } from "../ports/job-destination.js";
import { interruptionError, type AttemptControl, type Interruption } from "./attempt-control.js";
import type { CountedRows } from "./counted-rows.js";
import { Cue } from "./cue.js";
import { misbehaved } from "./misbehaved.js";

/** Moves the run to `committing`; null when done, otherwise what stands against it. */
export type MoveToCommitting = (rowsStaged: number) => Promise<Interruption | null>;

/** The commit point of one attempt: gives out at most one permit, and knows the only receipt that can come of it. */
export class CommitGate {
  #asking: Promise<Interruption | null> | null = null;
  #closed = false;
  #receipt: CommitReceipt | null = null;
  #refusal: JobError | null = null;

  /** Fires when the permit is given. */
  readonly granted = new Cue();

  constructor(
    private readonly commitId: CommitId,
    private readonly rows: CountedRows,
    private readonly control: AttemptControl,
    private readonly move: MoveToCommitting,
  ) {}

  /** The proof of the commit; null before the destination reported it. */
  get receipt(): CommitReceipt | null {
    return this.#receipt;
  }

  /** Why the permit was refused for what the destination did; null otherwise. */
  get refusal(): JobError | null {
    return this.#refusal;
  }

  /**
   * Ends the giving of permits and the taking of receipts: the write is over, or its commit is being settled. An ask that
   * is under way is waited for.
   *
   * @returns whether the permit was given, so that only the destination knows what became of the commit.
   */
  async close(): Promise<boolean> {
    this.#closed = true;
    await this.#asking?.catch(() => undefined);
    return this.control.granted;
  }

  async permit({ rowsStaged }: { readonly rowsStaged: number }): Promise<CommitPermit> {
    const fault = this.#fault(rowsStaged);
    if (fault) {
      this.#refusal ??= fault;
      throw fault;
    }
    this.#asking = this.control.seal(() => this.move(rowsStaged));
    let refusal: Interruption | null;
    try {
      refusal = await this.#asking;
    } catch (error) {
      this.#refusal = unrecorded(error);
      throw this.#refusal;
    }
    if (refusal) throw interruptionError(refusal);
    this.granted.fire();
    return { committed: (details) => this.#committed(rowsStaged, details) };
  }

  #fault(rowsStaged: number): JobError | null {
    const { interruption } = this.control;
    if (interruption) return interruptionError(interruption);
    if (this.#closed) return misbehaved("asked for its permit after its write had ended");
    if (this.#asking) return misbehaved("asked for its permit twice");
    if (!this.rows.ended) return misbehaved("asked for its permit before the end of the rows");
    if (rowsStaged === this.rows.rows) return null;
    return new JobError("stream_incomplete", {
      message: `The query gave ${this.rows.rows} rows, but the destination staged ${rowsStaged}.`,
      hint: "Nothing was committed. The destination must stage every row of every batch, and report their number to permit().",
    });
  }

  #committed(rowsStaged: number, details: CommitDetails = {}): CommitReceipt {
    const { snapshotId = null, rowsWritten = rowsStaged } = details;
    if (this.#closed) throw misbehaved("reported its commit after the commit had been settled");
    if (this.#receipt) throw misbehaved("reported its commit twice");
    this.#receipt = Object.freeze({ commitId: this.commitId, rowsWritten, snapshotId });
    return this.#receipt;
  }
}

// Without a record of the commit point there is no permit.
function unrecorded(error: unknown): JobError {
  if (isJobError(error)) return error;
  return new JobError("store_unavailable", {
    message: "The ledger could not record the commit point",
    hint: "Nothing was committed. Check the ledger.",
    cause: error,
  });
}
