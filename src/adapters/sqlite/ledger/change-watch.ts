import type { StoreChange } from "../../../model/run-change.js";
import type { Clock } from "../../../ports/clock.js";
import type { LedgerConnection } from "./ledger-connection.js";
import type { LedgerStatements } from "./ledger-statements.js";

/** Asking takes a few microseconds; the wait is what a wake-up by another process costs at most. */
const ASK_EVERY_MS = 20;

/** Notices what others write to the ledger: other connections, and the host on the connection that it lent us. */
export class ChangeWatch {
  #seen: number | undefined;
  #hostWrote = false;
  #callOff: (() => void) | undefined;

  constructor(
    private readonly connection: LedgerConnection,
    private readonly statements: LedgerStatements,
    private readonly clock: Clock,
    private readonly onChange: (change: StoreChange) => void,
  ) {}

  /** Called again, does nothing. */
  start(): void {
    if (this.#callOff) return;
    this.#seen = this.#version();
    this.#arm();
  }

  stop(): void {
    this.#callOff?.();
  }

  /** The host stored runs in a transaction on this connection, whose end nobody tells. */
  hostWrote(): void {
    this.#hostWrote = true;
  }

  #arm(): void {
    this.#callOff = this.clock.after(ASK_EVERY_MS, () => {
      this.#arm();
      this.#ask();
    });
  }

  #ask(): void {
    // A look would be part of the host's transaction.
    if (!this.connection.isOpen || this.connection.database.inTransaction) return;
    const version = this.#version();
    if (version !== undefined && version !== this.#seen) {
      this.#seen = version;
      this.onChange({ kind: "unknown" });
    }
    if (this.#hostWrote) {
      this.#hostWrote = false;
      this.onChange({ kind: "pending" });
    }
  }

  #version(): number | undefined {
    try {
      return this.statements.dataVersion.get()?.data_version;
    } catch {
      // Locked, or worse: the next act will say so.
      return undefined;
    }
  }
}
