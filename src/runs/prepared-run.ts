import { JobError } from "../model/job-error.js";
import type { CreatedRun, NewRun } from "../model/run.js";
import type { RunDraft } from "./run-draft.js";
import type { RunHandle } from "./run-handle.js";
import type { RunServices } from "./run-services.js";
import { conflictOf } from "./store-drafts.js";

/**
 * A run that passed every check and is not stored: it is inserted within a transaction of the host's, and exists if and
 * only if that commits. Use the handle once it did.
 */
export interface PreparedRun {
  /** Of the run, unless its idempotency key names another. */
  readonly id: string;
  readonly jobName: string;
  /**
   * Inserts the run with the connection that the transaction is in: a client of PostgreSQL's, or a SQLite database.
   *
   * @throws JobError `unsupported_transaction`, `prepared_run_used`, `idempotency_conflict`, `invalid_definition` for what
   *   is no such connection, `store_unavailable`, `not_started`, `executor_stopped`, `aborted` once the
   *   submit's signal is.
   */
  insert(client: unknown): Promise<RunHandle>;
  /** As {@link insert}, at once, for transactions that cannot wait: SQLite's. */
  insertSync(database: unknown): RunHandle;
}

interface PreparedParts {
  readonly services: Pick<RunServices, "ledger" | "vault">;
  /** Throws when nothing new is taken. */
  readonly mustRun: () => void;
  readonly handle: (inserted: CreatedRun) => RunHandle;
}

/** Inserts a draft, once. */
export class DraftToInsert implements PreparedRun {
  readonly id: string;
  readonly jobName: string;
  #used = false;

  constructor(
    private readonly draft: RunDraft,
    private readonly parts: PreparedParts,
  ) {
    this.id = draft.run.id;
    this.jobName = draft.jobName;
  }

  async insert(client: unknown): Promise<RunHandle> {
    const insertion = this.#begin();
    try {
      return insertion.end(await insertion.create(client, [this.draft.run]));
    } catch (error) {
      throw insertion.undo(error);
    }
  }

  insertSync(database: unknown): RunHandle {
    const insertion = this.#begin();
    const createNow = (runs: readonly NewRun[]): readonly CreatedRun[] => {
      const created = insertion.create(database, runs);
      if (!("then" in created)) return created;
      created.catch(() => undefined);
      throw this.#unsupported("Await insert(client) instead.");
    };
    try {
      // First nothing at all: a run that a store only promises could not be taken back.
      createNow([]);
      return insertion.end(createNow([this.draft.run]));
    } catch (error) {
      throw insertion.undo(error);
    }
  }

  #begin() {
    const { draft, parts } = this;
    const { ledger, vault } = parts.services;
    parts.mustRun();
    const create = ledger.store.createRunsIn?.bind(ledger.store);
    if (!create) throw this.#unsupported("Submit the run once the transaction has committed.");
    if (this.#used) throw alreadyUsed(this.id);
    const settle = vault.hold(draft.run.id, draft.secrets);
    this.#used = true;
    return {
      create,
      end: ([inserted]: readonly CreatedRun[]): RunHandle => {
        if (!inserted) throw unanswered(this.id);
        const conflict = conflictOf(inserted, draft, parts.services);
        if (conflict) throw conflict;
        settle(inserted.created ? "in_transaction" : "dropped");
        // Behind the host's commit, when that is synchronous; otherwise the next look at the ledger finds the run.
        if (inserted.created) setImmediate(() => ledger.signals.emit(inserted.run.id, "pending"));
        return parts.handle(inserted);
      },
      undo: (error: unknown): JobError => {
        settle("dropped");
        this.#used = false;
        return draft.redactor().hostError(error, {
          code: "store_unavailable",
          hint: "Nothing was inserted. Roll the transaction back and begin again.",
        });
      },
    };
  }

  #unsupported(hint: string): JobError {
    const { name } = this.parts.services.ledger.store.constructor;
    return new JobError("unsupported_transaction", {
      message: `The ledger, a ${name}, cannot store a run within this transaction.`,
      hint,
      runId: this.id,
    });
  }
}

function alreadyUsed(runId: string): JobError {
  return new JobError("prepared_run_used", {
    message: `The prepared run "${runId}" was inserted already.`,
    hint: "Prepare a run for each transaction, also when the one before was rolled back.",
    runId,
  });
}

function unanswered(runId: string): JobError {
  return new JobError("internal_error", {
    message: "The ledger gave no answer for a run that it was to store.",
    hint: "The store breaks the promise of createRunsIn: one result for each run, in their order.",
    runId,
  });
}
