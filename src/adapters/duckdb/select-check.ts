import { VARCHAR } from "@duckdb/node-api";
import { JobError } from "../../model/job-error.js";
import type { Database } from "./database.js";
import { type TableReference, tablesOf } from "./query-shape.js";

/** Tells whether a text is one SELECT, and what it reads, by DuckDB's own parser. Nothing is bound, planned or opened. */
export class SelectCheck {
  constructor(private readonly database: Database) {}

  /** @throws JobError `unsupported_query`. */
  async tables(sql: string): Promise<readonly TableReference[]> {
    // DuckDB would silently ignore all that follows.
    if (sql.includes("\0")) {
      throw new JobError("unsupported_query", {
        message: "The query contains a NUL character.",
        hint: "Remove it; a NUL in a value can be passed as a parameter.",
      });
    }
    return tablesOf(await this.parse(sql));
  }

  private parse(sql: string): Promise<string> {
    return this.database.use(async (connection) => {
      const statement = await connection.prepare("select json_serialize_sql($1::varchar)::varchar");
      try {
        statement.api.bindValue(1, sql, VARCHAR);
        const result = await connection.executePrepared(statement);
        const rows = await result.getRows();
        return String(rows[0]?.[0]);
      } finally {
        statement.api.destroySync();
      }
    });
  }
}
