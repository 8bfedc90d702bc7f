import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { Connection } from "../../../src/ports/connection.js";
import type { TableSource } from "../../../src/ports/table-source.js";

export const makeEngine = (): DuckDBEngine => new DuckDBEngine({ memoryLimit: "1GB", threads: 2 });

export async function inFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-review-"));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const LATE = "too late";

/** What a promise gives, or `LATE` when it has not settled after `ms`. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | typeof LATE> {
  const stop = new AbortController();
  const late = delay(ms, LATE, { signal: stop.signal }).catch(() => LATE) as Promise<typeof LATE>;
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}

export const ONE_INTEGER: TableSchema = {
  columns: [{ name: "x", type: { kind: "integer", bits: 64, signed: true }, nullable: true }],
};

export function single(source: TableSource): Connection {
  return {
    capabilities: { kind: "test", read: true, write: "none", writeHint: "Write elsewhere.", tables: "single" },
    source: (table) => (table === "" ? source : undefined),
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
