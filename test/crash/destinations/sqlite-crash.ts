import { join } from "node:path";
import Database from "better-sqlite3";
import { sqlite } from "../../../src/adapters/sqlite/entry.js";
import type { CrashDestination } from "./crash-destination.js";

const fileIn = (folder: string): string => join(folder, "out.db");

export const sqliteCrash: CrashDestination = {
  connect: (folder) => sqlite(fileIn(folder), { access: "read_write" }),
  countByTag: async (folder) => {
    const database = new Database(fileIn(folder));
    try {
      const there = database.prepare("select 1 from sqlite_master where name = 'rows'").get();
      const counts =
        there === undefined ? [] : database.prepare("select tag, count(*) from rows group by tag").raw().all();
      return new Map(counts as [string, number][]);
    } finally {
      database.close();
    }
  },
};
