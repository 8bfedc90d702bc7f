import pg from "pg";
import { PostgresJobStore } from "../../../src/adapters/postgres/postgres-job-store.js";
import type { PostgresJobStoreOptions } from "../../../src/adapters/postgres/job-store-options.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { EXECUTION_DEFAULTS, type ExecutionPolicy } from "../../../src/model/job-definition.js";
import type { StoreChange } from "../../../src/model/run-change.js";
import type { JobRun, NewRun } from "../../../src/model/run.js";
import type { JobStore } from "../../../src/ports/job-store.js";
import type { Logger } from "../../../src/ports/logger.js";

let made = 0;

export function newRun(parts: Partial<NewRun> = {}, execution: Partial<ExecutionPolicy> = {}): NewRun {
  made += 1;
  return {
    id: `run-${made}`,
    jobName: "delays",
    definitionHash: "0123abcd",
    definition: {
      query: "select 1",
      parameters: [],
      destination: { table: "out.delays", mode: { kind: "append" } },
      execution: { ...EXECUTION_DEFAULTS, ...execution },
    },
    parameters: {},
    priority: 0,
    idempotencyKey: null,
    connections: ["out"],
    concurrencyKey: null,
    redriveOf: null,
    runAt: null,
    startDeadline: null,
    ...parts,
  };
}

export interface OpenLedger extends AsyncDisposable {
  readonly store: PostgresJobStore;
  readonly changes: StoreChange[];
  /** Resolves when such a change is heard, or was. */
  heard(matches: (change: StoreChange) => boolean): Promise<void>;
}

export async function openLedger(options: PostgresJobStoreOptions, logger?: Logger): Promise<OpenLedger> {
  const store = new PostgresJobStore(options);
  const changes: StoreChange[] = [];
  const waiting = new Set<() => void>();
  const onChange = (change: StoreChange): void => {
    changes.push(change);
    for (const look of waiting) look();
  };
  await store.open({ clock: systemClock, onChange, ...(logger && { logger }) });
  return {
    store,
    changes,
    heard: (matches) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!changes.some(matches)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

export function claim(store: JobStore, limit: number, owner = "worker"): Promise<readonly JobRun[]> {
  return store.claimRuns({ owner, limit, leaseMs: 30_000 });
}

/** Brings a running run to its end, as its owner. */
export async function succeed(store: JobStore, run: JobRun): Promise<void> {
  const epoch = run.lease?.epoch ?? 0;
  const committing = { type: "run.committing", commitId: run.id, rowsStaged: 1 } as const;
  const succeeded = { type: "run.succeeded", rowsWritten: 1, snapshotId: null } as const;
  const moves = [
    await store.transition(run.id, { from: "running", to: "committing", epoch, commitId: run.id }, [committing]),
    await store.transition(run.id, { from: "committing", to: "succeeded", epoch, rowsWritten: 1 }, [succeeded]),
  ];
  if (!moves.every(({ moved }) => moved)) throw new Error(`run ${run.id} could not succeed: ${JSON.stringify(moves)}`);
}

/** Runs SQL without the store. */
export async function query(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}
