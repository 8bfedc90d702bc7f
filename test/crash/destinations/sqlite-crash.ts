import Database from "better-sqlite3";
import { sqliteFileIn } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";

export const sqliteCrash: CrashDestination = {
  countByTag: async (folder) => {
    const database = new Database(sqliteFileIn(folder));
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
