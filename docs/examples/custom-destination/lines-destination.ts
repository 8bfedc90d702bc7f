import { link, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { batchRows, type CommitReceipt, type DataType, type JobDestination, type RowStream } from "millrace";
import type { CommitId, Settlement, StorageAnswer, TableSchema, WriteRequest } from "millrace";

/**
 * A table is a folder, and a commit is a file in it: the columns in the first line, then a row as JSON in each. An empty
 * file is a commit that was given up. Readers read the files that are not empty.
 */
export class LinesDestination implements JobDestination {
  readonly capabilities = { modes: ["append"], createsTable: "by_default", commitFence: "fenced" } as const;

  constructor(private readonly folder: string) {}

  async schema(): Promise<TableSchema | null> {
    const names = (await readdir(this.folder).catch(() => [])).filter((name) => name.endsWith(".jsonl"));
    for (const name of names) {
      const [columns = ""] = (await readFile(join(this.folder, name), "utf8")).split("\n", 1);
      if (columns !== "") return JSON.parse(columns) as TableSchema;
    }
    return null;
  }

  storage(type: DataType): StorageAnswer {
    if (EXACT_IN_JSON.has(type.kind)) return { stored: true };
    return { stored: false, reason: "JSON has no exact form for it; cast it to VARCHAR" };
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { commitId, schema, createIfMissing, onProgress, permit } = request;
    if (!createIfMissing && (await this.schema()) === null) throw new Error(`There is no folder ${this.folder}.`);
    await mkdir(this.folder, { recursive: true });
    // A folder of its own: another try of the same commit may still be writing.
    const staging = await mkdtemp(join(this.folder, ".staging-"));
    const file = await open(join(staging, "rows"), "w");
    try {
      await file.writeFile(JSON.stringify(schema) + "\n");
      let count = 0;
      for await (const batch of rows) {
        await file.writeFile(
          batchRows(batch, schema)
            .map((row) => JSON.stringify(row, bigintAsText) + "\n")
            .join(""),
        );
        onProgress((count += batch.numRows));
      }
      await file.sync();
      const granted = await permit({ rowsStaged: count });
      // One act shows all rows and stores the commit id. It fails when the name is taken: landed, or given up.
      await link(join(staging, "rows"), this.fileOf(commitId));
      return granted.committed();
    } finally {
      await file.close();
      await rm(staging, { recursive: true });
    }
  }

  async settleCommit(commitId: CommitId): Promise<Settlement> {
    await mkdir(this.folder, { recursive: true });
    // The fence: an empty file under the name that the commit would take.
    await writeFile(this.fileOf(commitId), "", { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    const lines = (await readFile(this.fileOf(commitId), "utf8")).split("\n");
    if (lines.length === 1) return { state: "never" };
    // One line of columns, and nothing after the last line's end.
    return { state: "committed", receipt: { commitId, rowsWritten: lines.length - 2, snapshotId: null } };
  }

  private fileOf(commitId: CommitId): string {
    return join(this.folder, `${encodeURIComponent(commitId)}.jsonl`);
  }
}

const EXACT_IN_JSON = new Set<DataType["kind"]>(
  ["null", "boolean", "integer", "decimal", "text", "json", "enum", "uuid", "date", "time", "timestamp"], // and no floats: JSON has no NaN
);

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
