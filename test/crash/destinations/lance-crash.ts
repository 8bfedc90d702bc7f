import { readPlainly } from "../../adapters/lance/read-plainly.js";
import { lakeIn } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";

export const lanceCrash: CrashDestination = {
  countByTag: async (folder) => {
    const counts = new Map<string, number>();
    for (const { tag } of (await readPlainly(lakeIn(folder), "rows")) ?? []) {
      counts.set(String(tag), (counts.get(String(tag)) ?? 0) + 1);
    }
    return counts;
  },
};
