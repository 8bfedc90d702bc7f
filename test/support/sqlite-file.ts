import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { sqlite } from "../../src/adapters/sqlite/sqlite-connection.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination } from "../../src/ports/job-destination.js";

/** A SQLite file in a folder of its own, and a handle beside the adapter's. */
export interface SqliteFile extends AsyncDisposable {
  readonly path: string;
  readonly folder: string;
  readonly connection: Connection;
  /** Opens the file without the adapter. Integers come as bigint. */
  open(): Database.Database;
  destination(table: string): JobDestination;
}

export async function sqliteFile(setUp = ""): Promise<SqliteFile> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  const path = join(folder, "out.db");
  const opened: Database.Database[] = [];
  const open = (): Database.Database => {
    const database = new Database(path, { timeout: 0 });
    database.defaultSafeIntegers();
    opened.push(database);
    return database;
  };
  if (setUp !== "") open().exec(setUp);
  const connection = sqlite(path, { access: "read_write" });
  return {
    path,
    folder,
    connection,
    open,
    destination: (table) => {
      const destination = connection.destination?.(table);
      if (destination === undefined) throw new Error(`there is no destination "${table}"`);
      return destination;
    },
    [Symbol.asyncDispose]: async () => {
      for (const database of opened) database.close();
      await connection.close();
      await rm(folder, { recursive: true });
    },
  };
}
