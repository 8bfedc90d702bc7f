import { lance } from "../../../src/adapters/lance/entry.js";
import { readPlainly } from "../../adapters/lance/read-plainly.js";
import type { CrashDestination } from "./crash-destination.js";

export const lanceCrash: CrashDestination = {
  connect: (folder) => lance(`${folder}/lake`),
  countByTag: async (folder) => {
    const counts = new Map<string, number>();
    for (const { tag } of (await readPlainly(`${folder}/lake`, "rows")) ?? []) {
      counts.set(String(tag), (counts.get(String(tag)) ?? 0) + 1);
    }
    return counts;
  },
};
