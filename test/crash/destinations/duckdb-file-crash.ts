import { existsSync } from "node:fs";
import { join } from "node:path";
import { duckdb } from "../../../src/adapters/duckdb/entry.js";
import { sqlInDuckDBFile } from "../../support/duckdb-file.js";
import type { CrashDestination } from "./crash-destination.js";

const fileIn = (folder: string): string => join(folder, "out.duckdb");

export const duckdbFileCrash: CrashDestination = {
  connect: (folder) => duckdb(fileIn(folder), { access: "read_write" }),
  countByTag: async (folder) => {
    if (!existsSync(fileIn(folder))) return new Map();
    const there = await sqlInDuckDBFile(fileIn(folder), "from duckdb_tables() where table_name = 'rows'");
    if (there.length === 0) return new Map();
    const counts = await sqlInDuckDBFile(fileIn(folder), "select tag, count(*)::int as n from rows group by tag");
    return new Map(counts.map(({ tag, n }) => [String(tag as string), Number(n)]));
  },
};
