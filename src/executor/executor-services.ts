import { aesSecretBox } from "../adapters/system/aes-secret-box.js";
import { consoleLogger } from "../adapters/system/console-logger.js";
import { randomIds } from "../adapters/system/random-ids.js";
import { systemClock } from "../adapters/system/system-clock.js";
import { QueryTemplates } from "../jobs/query-templates.js";
import { Connections } from "../runs/connections.js";
import { ExecutorEvents } from "../runs/executor-events.js";
import { LeaseKeeper } from "../runs/lease-keeper.js";
import { maskedLogger, Redactor } from "../runs/redactor.js";
import { RunLedger } from "../runs/run-ledger.js";
import type { RunServices } from "../runs/run-services.js";
import { SecretVault } from "../runs/secret-vault.js";
import { manyListeners } from "../runs/waiting.js";
import { checkedConnections, type JobExecutorOptions } from "./executor-options.js";

/** What everything under `runs/` works with, from the host's options and the defaults of the system. */
export function executorServices(
  options: JobExecutorOptions,
  { leaseMs, commitTimeoutMs }: Pick<RunServices, "leaseMs" | "commitTimeoutMs">,
): RunServices {
  const { engine, store, secretKey, clock = systemClock, ids = randomIds(clock) } = options;
  const connections = new Connections(checkedConnections(options));
  const logger = maskedLogger(options.logger ?? consoleLogger, new Redactor(connections.secrets));
  const ledger = new RunLedger(store);
  const owner = ids.next();
  const vault = new SecretVault(secretKey ? aesSecretBox(secretKey) : null, clock);
  const templates = new QueryTemplates();
  const leases = new LeaseKeeper({ ledger, clock, logger, owner, leaseMs });
  const events = new ExecutorEvents(clock);
  ledger.signals.subscribe((change, runId) => {
    if (change === "ended" && runId !== null) vault.forget(runId);
  });
  const stopped = new AbortController();
  manyListeners(stopped.signal);
  const limits = { owner, leaseMs, commitTimeoutMs };
  return { ledger, engine, connections, clock, ids, logger, vault, templates, leases, events, stopped, ...limits };
}
