import type { EngineRelation } from "../../ports/table-source.js";
import type { Database } from "./database.js";
import type { EngineConnection } from "./engine-connection.js";
import type { OneAtATime } from "./one-at-a-time.js";
import { quoteIdentifier, quoteText } from "./quote.js";

/**
 * Database files, attached while queries read them and no longer: an attached file is a snapshot, and other processes
 * cannot write to it meanwhile.
 */
export class AttachedFiles {
  private readonly readers = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly ddl: OneAtATime,
  ) {}

  /** Attaches the file under `name`. What it returns gives it back. */
  async lease(
    connection: EngineConnection,
    name: string,
    { path, readOnly }: NonNullable<EngineRelation["attach"]>,
  ): Promise<() => Promise<void>> {
    const key = name.toLowerCase();
    await this.ddl.run(async () => {
      const readers = this.readers.get(key) ?? 0;
      const mode = readOnly ? "read_only" : "read_write";
      const attach = `attach ${quoteText(path)} as ${quoteIdentifier(name)} (${mode}, type duckdb)`;
      if (readers === 0) await connection.read(attach);
      this.readers.set(key, readers + 1);
    });
    return () => this.ddl.run(() => this.giveBack(key));
  }

  private async giveBack(key: string): Promise<void> {
    const readers = (this.readers.get(key) ?? 1) - 1;
    this.readers.set(key, readers);
    if (readers === 0) await this.database.use((connection) => connection.read(`detach ${quoteIdentifier(key)}`));
  }
}
