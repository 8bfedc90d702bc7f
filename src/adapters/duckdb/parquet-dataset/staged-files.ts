import { dirname, join, relative, sep } from "node:path";
import { causeChain, JobError } from "../../../model/job-error.js";
import type { EngineWriter } from "../../../ports/engine-target.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { sleep } from "../pause.js";
import { copyStatement, emptyCopyStatement, type FilesToWrite } from "./copy-statement.js";
import type { StagedRows } from "./dataset-write.js";
import type { DataFile } from "./manifest.js";
import type { Author } from "./manifest-log.js";
import type { TableFolder } from "./table-folder.js";

/** As many files as are synchronised at once: one of libuv's threads is left to the host. */
const SYNCED_AT_ONCE = 3;

/** How often a large result is synchronised while it is written: a tenth of a second of rows is left for the end. */
const EARLY_SYNC_MS = 100;

/** Lets DuckDB write all rows of its query into files. There is at least one file, also where there are no rows. */
export async function stageRows(
  table: TableFolder,
  writer: EngineWriter,
  files: FilesToWrite,
  produced: TableSchema,
): Promise<StagedRows> {
  const { before, after } = copyStatement(files, produced);
  const writing = writer.writeRows(before, after);
  const early = syncEarly(table, files.folder, writing).catch(() => undefined);
  const { rows, result } = await writing
    .catch((error: unknown) => {
      throw partitionFailure(error, files.partitionBy) ?? error;
    })
    .finally(() => early);
  const written = result.length > 0 ? result : await writer.read(emptyCopyStatement(files));
  return { rows, staged: written.map((row) => dataFile(row, table, files.partitionBy)) };
}

/** Makes the files, and the names under which they lie, survive a power cut. */
export async function syncFiles(
  { disk, path, data }: TableFolder,
  { folder }: Author,
  staged: readonly DataFile[],
): Promise<void> {
  const files = staged.map((file) => join(path, file.path));
  const folders = new Set([data, folder]);
  for (const file of files) for (let at = dirname(file); at !== folder; at = dirname(at)) folders.add(at);
  const all = [...files, ...folders];
  for (let first = 0; first < all.length; first += SYNCED_AT_ONCE) {
    await Promise.all(all.slice(first, first + SYNCED_AT_ONCE).map((name) => disk.sync(name)));
  }
}

/** Lets the disk begin with what is written so far, so that the end has less to wait for. */
async function syncEarly({ disk }: TableFolder, folder: string, writing: Promise<unknown>): Promise<void> {
  let isOver = false;
  const settle = (): void => {
    isOver = true;
  };
  const over = writing.then(settle, settle);
  for (;;) {
    await Promise.race([over, sleep(EARLY_SYNC_MS)]);
    if (isOver) return;
    const names = (await disk.list(folder)) ?? [];
    for (const name of names) if (name.endsWith(".parquet")) await disk.sync(join(folder, name));
  }
}

/** DuckDB's own words have the value in them, at any length. */
function partitionFailure(error: unknown, columns: readonly string[]): JobError | undefined {
  if (!/File name too long/i.test(causeChain(error))) return undefined;
  return new JobError("destination_failed", {
    message: `A value of ${columns.join(", ")} is too long to name a partition's folder.`,
    hint: "As part of a path a value may take some 200 bytes. Partition by a shorter column.",
    retryable: false,
    columns,
  });
}

/** What a copy with statistics tells of a file. */
function dataFile(
  row: Readonly<Record<string, unknown>>,
  table: TableFolder,
  partitionBy: readonly string[],
): DataFile {
  const keys = (row["partition_keys"] ?? []) as readonly { readonly key: string; readonly value: string | null }[];
  return {
    path: relative(table.path, String(row["filename"])).replaceAll(sep, "/"),
    rows: Number(row["count"]),
    bytes: Number(row["file_size_bytes"]),
    partition: partitionBy.map((name) => keys.find(({ key }) => key === name)?.value ?? null),
  };
}
