import type { CreatedRun } from "../../../model/run.js";
import type { LedgerOperations } from "./ledger-operations.js";
import type { ScheduleOperations } from "./schedule-operations.js";

/** What a transaction is for. */
export interface TransactionKind {
  /** Whether its loss in a power cut would harm. A crash of this process or of the server loses nothing either way. */
  readonly durable: boolean;
  /** `finding`: it finds rows of large tables by their indexes. `adding`: it joins only what it was given. */
  readonly plans: "finding" | "adding";
  /** How long it waits for what another transaction has locked. Default 5,000. */
  readonly patienceMs?: number;
}

/** A transaction under way. */
export interface LedgerTransaction {
  readonly ledger: LedgerOperations;
  readonly schedules: ScheduleOperations;
  /** Runs `work` so that, when it fails, all else that was sent still counts. What it sends it must await. */
  apart<T>(work: () => Promise<T>): Promise<T>;
  /** Its loss would harm after all. */
  makeDurable(): void;
}

/** The connections of a ledger, and the one way to work on them. */
export interface LedgerConnections {
  /** Names the ledger in messages. */
  readonly ledger: string;
  /**
   * Runs `work` in a transaction and commits what it sent; answers when the commit is. Runs it again when the server took
   * it back, or when the connection broke before the commit was sent. Rejects with `store_unavailable`; when the connection
   * broke during the commit, nobody knows whether it happened. An error that `isTaken` is passed on as it is, and one that
   * `isLockedOut` of a transaction with a patience of its own.
   */
  transaction<T>(kind: TransactionKind, work: (transaction: LedgerTransaction) => Promise<T>): Promise<T>;
  /** @param nothingStored whether what failed provably did not happen. */
  failure(error: unknown, nothingStored?: boolean): unknown;
  /** Whether a row with one of these unique values is there already. */
  isTaken(error: unknown): boolean;
  /** Whether another transaction held a lock for longer than this one would wait. */
  isLockedOut(error: unknown): boolean;
}

/**
 * Stores runs in whatever transaction a connection of the host's is in. When `work` fails, that can go on as if nothing had
 * been asked; an error that `isTaken` is passed on as it is.
 */
export type WithinHost = (
  work: (ledger: LedgerOperations) => Promise<readonly CreatedRun[]>,
) => Promise<readonly CreatedRun[]>;
