import { DuckDBInstance } from "@duckdb/node-api";
import { readPlainly } from "../../adapters/duckdb/parquet-dataset/read-plainly.js";
import { lakeIn } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";

export const parquetDatasetCrash: CrashDestination = {
  countByTag: async (folder) => {
    const instance = await DuckDBInstance.create(":memory:");
    const reader = await instance.connect();
    try {
      const counts = new Map<string, number>();
      for (const { tag } of (await readPlainly(reader, lakeIn(folder), "rows")) ?? []) {
        counts.set(String(tag), (counts.get(String(tag)) ?? 0) + 1);
      }
      return counts;
    } finally {
      reader.disconnectSync();
      instance.closeSync();
    }
  },
};
