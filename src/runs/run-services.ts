import type { RunError } from "../model/run.js";
import type { QueryTemplates } from "../jobs/query-templates.js";
import type { Clock } from "../ports/clock.js";
import type { IdSource } from "../ports/ids.js";
import type { Logger } from "../ports/logger.js";
import type { QueryEngine } from "../ports/query-engine.js";
import type { Connections } from "./connections.js";
import type { ExecutorEvents } from "./executor-events.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { Redactor } from "./redactor.js";
import type { RunLedger } from "./run-ledger.js";
import type { SecretVault } from "./secret-vault.js";

/** What everything under `runs/` works with: one set per executor. */
export interface RunServices {
  readonly ledger: RunLedger;
  readonly engine: QueryEngine;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly vault: SecretVault;
  readonly templates: QueryTemplates;
  readonly leases: LeaseKeeper;
  readonly events: ExecutorEvents;
  /** Aborted when the executor has stopped: whoever still waits for the ledger gives up. */
  readonly stopped: AbortController;
  /** Names this executor in leases. */
  readonly owner: string;
  readonly leaseMs: number;
  /** How long a granted commit may go unanswered before it is settled, in milliseconds. */
  readonly commitTimeoutMs: number;
}

/** Masks the secrets of all connections and, when given, of one run; with those, it withholds what could quote them. */
export function redactorFor(services: RunServices, runId?: string): Redactor {
  const own = runId === undefined ? [] : services.vault.texts(runId);
  return new Redactor([...services.connections.secrets, ...own], own.length > 0);
}

/** What an error that nobody typed counts as. */
export const INTERNAL = {
  code: "internal_error",
  hint: "This is a defect. Please report it with the whole message.",
} as const satisfies { code: RunError["code"]; hint: string };
