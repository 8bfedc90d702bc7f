import { join } from "node:path";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import type { TableSource } from "../../../ports/table-source.js";
import { DUCKDB_DIALECT } from "../dialect.js";
import type { DuckDBRelation } from "../duckdb-relation.js";
import { quoteList } from "../quote.js";
import { readFailure } from "./dataset-failure.js";
import { isWhole, type Manifest } from "./manifest.js";
import { schemaOf } from "./planned-write.js";
import type { TableFolder } from "./table-folder.js";

/** One table of a dataset for reading: each query reads the files of one manifest. */
export class DatasetSource implements TableSource {
  readonly relation: DuckDBRelation;

  /** @param version the snapshot that is read; undefined: the newest one at the time. */
  constructor(
    private readonly table: TableFolder,
    private readonly name: string,
    private readonly version: number | undefined,
    paths: readonly string[],
  ) {
    this.relation = {
      dialect: DUCKDB_DIALECT,
      // Which files make up the table is only known at the time.
      from: "(select error('a Parquet dataset is read by its manifest'))",
      paths,
      pin: async () => this.files(await this.manifest()),
    };
  }

  async schema(signal: AbortSignal): Promise<TableSchema | null> {
    signal.throwIfAborted();
    const columns = (await this.manifest())?.columns ?? null;
    return columns && schemaOf(columns);
  }

  private async manifest(): Promise<Manifest | null> {
    try {
      if (this.version === undefined) return await this.table.log.newest();
      const entry = (await this.table.log.find(this.version)) ?? null;
      if (entry !== null && !isWhole(entry)) throw this.pruned();
      return entry;
    } catch (error) {
      throw readFailure(error, this.table.path);
    }
  }

  private files(manifest: Manifest | null): string {
    if (manifest === null || manifest.columns === null) throw this.missing();
    const paths = manifest.files.map(({ path }) => join(this.table.path, path));
    // All values are in the files: a path tells their text, not their type.
    return `read_parquet(${quoteList(paths)}, hive_partitioning = false)`;
  }

  private missing(): JobError<"sql_plan_failure"> {
    return new JobError("sql_plan_failure", {
      message: `The dataset has no table "${this.name}".`,
      hint: "Check the table's name and, behind the @, the number of its snapshot.",
    });
  }

  private pruned(): JobError<"sql_plan_failure"> {
    return new JobError("sql_plan_failure", {
      message: `The snapshot "${this.name}" was pruned.`,
      hint: "snapshots() of the connection lists those that can be read.",
    });
  }
}
