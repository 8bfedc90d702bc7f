import { existsSync } from "node:fs";
import { sqlInDuckDBFile } from "../../support/duckdb-file.js";
import { duckdbFileIn } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";

export const duckdbFileCrash: CrashDestination = {
  countByTag: async (folder) => {
    if (!existsSync(duckdbFileIn(folder))) return new Map();
    const there = await sqlInDuckDBFile(duckdbFileIn(folder), "from duckdb_tables() where table_name = 'rows'");
    if (there.length === 0) return new Map();
    const counts = await sqlInDuckDBFile(duckdbFileIn(folder), "select tag, count(*)::int as n from rows group by tag");
    return new Map(counts.map(({ tag, n }) => [String(tag as string), Number(n)]));
  },
};
