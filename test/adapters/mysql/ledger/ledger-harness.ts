import mysql, { type RowDataPacket } from "mysql2/promise";
import type { MySqlJobStoreOptions } from "../../../../src/adapters/mysql/job-store-options.js";
import { MySqlJobStore } from "../../../../src/adapters/mysql/mysql-job-store.js";
import { systemClock } from "../../../../src/adapters/system/system-clock.js";
import { isJobError, type JobError } from "../../../../src/model/job-error.js";
import type { StoreChange } from "../../../../src/model/run-change.js";

export { claim, newRun, succeed } from "../../postgres/ledger-harness.js";

export interface OpenLedger extends AsyncDisposable {
  readonly store: MySqlJobStore;
  readonly changes: StoreChange[];
  /** Resolves when such a change is heard, or was. */
  heard(matches: (change: StoreChange) => boolean): Promise<void>;
}

export async function openLedger(options: MySqlJobStoreOptions): Promise<OpenLedger> {
  const store = new MySqlJobStore(options);
  const changes: StoreChange[] = [];
  const waiting = new Set<() => void>();
  const onChange = (change: StoreChange): void => {
    changes.push(change);
    for (const look of waiting) look();
  };
  await store.open({ clock: systemClock, onChange });
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

/** Runs SQL without the store, on a connection of its own. */
export async function query(url: string, text: string, values: unknown[] = []): Promise<readonly RowDataPacket[]> {
  const connection = await mysql.createConnection({ uri: url, multipleStatements: true });
  connection.on("error", () => undefined);
  try {
    return (await connection.query<RowDataPacket[]>(text, values))[0];
  } finally {
    await connection.end();
  }
}

export async function refusal(act: () => Promise<unknown>): Promise<JobError> {
  try {
    await act();
  } catch (error) {
    if (isJobError(error)) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
