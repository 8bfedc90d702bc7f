import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { TableSchema } from "../../../model/table-schema.js";
import type { TableListing } from "../../../ports/connection.js";
import { abortable } from "../abortable.js";
import type { ConnectionInstance } from "../connection-instance.js";
import type { EngineConnection } from "../engine-connection.js";
import { fileMissing } from "../file-error.js";
import { OneAtATime } from "../one-at-a-time.js";
import type { TableName } from "./table-name.js";

/** One DuckDB file as its connection sees it. */
export class SharedFile {
  private readonly preparing = new OneAtATime();
  /** The last writer of each table, and the last who may make each schema. */
  private readonly writers = new Map<string, Promise<void>>();

  constructor(
    readonly instance: ConnectionInstance,
    readonly file: { readonly path: string; readonly readOnly: boolean },
  ) {}

  get path(): string {
    return this.file.path;
  }

  get isThere(): boolean {
    return existsSync(this.path);
  }

  /**
   * Attaches the file, which must be there, for as long as `act` takes.
   *
   * @param waitMs how long to wait for whoever holds the file. Default: the connection's own.
   */
  use<T>(
    signal: AbortSignal,
    act: (connection: EngineConnection, catalog: string) => Promise<T>,
    waitMs?: number,
  ): Promise<T> {
    return this.instance.use(signal, async ({ database, files }) => {
      const use = { ...this.file, create: false, signals: [signal], ...(waitMs !== undefined && { waitMs }) };
      const { catalog, release } = await files.lease(use);
      let failure: unknown;
      try {
        return await database.use((connection) => act(connection, catalog));
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        await release(failure);
      }
    });
  }

  /** What the table holds; null when it is not there. A file that is not there but may be made has no tables. */
  async schema(name: TableName, signal: AbortSignal, { views = false } = {}): Promise<TableSchema | null> {
    if (this.file.readOnly || this.isThere) {
      const { readTableSchema } = await import("./read-table-schema.js");
      return this.use(signal, (connection, catalog) => readTableSchema(connection, catalog, name, views));
    }
    if (!existsSync(dirname(this.path))) throw fileMissing(this.path);
    return null;
  }

  /** The tables and views, by the names by which they are read. A file that is not there but may be made has none. */
  async tables(signal: AbortSignal): Promise<readonly TableListing[]> {
    if (!this.file.readOnly && !this.isThere && existsSync(dirname(this.path))) return [];
    const { listTables } = await import("./list-tables.js");
    return this.use(signal, listTables);
  }

  /** Makes Millrace's own tables, which two must not do at once. */
  prepared<T>(make: () => Promise<T>): Promise<T> {
    return this.preparing.run(make);
  }

  /**
   * Waits until no other write of this process is at the same table, or makes the same schema: two that replace the same
   * rows, or make the same thing, would fail, and two that add the same new key would both.
   *
   * @param key of a table or of a schema.
   * @returns what lets the next one in.
   */
  async writeTurn(key: string, signal: AbortSignal): Promise<() => void> {
    const before = this.writers.get(key) ?? Promise.resolve();
    let done = (): void => undefined;
    const mine = new Promise<void>((resolve) => (done = resolve));
    this.writers.set(
      key,
      before.then(() => mine),
    );
    try {
      await abortable([signal], () => before, new Set());
      return done;
    } catch (error) {
      done();
      throw error;
    }
  }
}
