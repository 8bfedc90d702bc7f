import { VARCHAR } from "@duckdb/node-api";
import { JobError } from "../../model/job-error.js";
import type { Database } from "./database.js";
import { type TableReference, tablesOf } from "./query-shape.js";
import { Recent } from "./recent.js";
import type { RenderedQuery } from "./render-query.js";

/** Texts whose answer is kept: a job's query is checked at its submit and again at each attempt. */
const KEPT = 256;

/** Tells whether a text is one SELECT, and what it reads, by DuckDB's own parser. Nothing is bound, planned or opened. */
export class SelectCheck {
  private readonly kept = new Recent<readonly TableReference[]>(KEPT);

  constructor(private readonly database: Database) {}

  /** @throws JobError `unsupported_query`. */
  async tables({ sql, slots }: RenderedQuery): Promise<readonly TableReference[]> {
    const kept = this.kept.get(sql);
    if (kept !== undefined) return kept;
    // DuckDB would silently ignore all that follows.
    if (sql.includes("\0")) {
      throw new JobError("unsupported_query", {
        message: "The query contains a NUL character.",
        hint: "Remove it. A NUL in a value can be passed as a parameter.",
      });
    }
    const tables = tablesOf(await this.parse(sql), new Set(slots.values()));
    this.kept.set(sql, tables);
    return tables;
  }

  private parse(sql: string): Promise<string> {
    return this.database.use(async (connection) => {
      const statement = await connection.prepare("select json_serialize_sql($1::varchar)::varchar");
      try {
        statement.bindValue(1, sql, VARCHAR);
        const [row] = await (await connection.result(statement)).getRows();
        return String(row?.[0]);
      } finally {
        statement.destroySync();
      }
    });
  }
}
