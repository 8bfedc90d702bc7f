import { join } from "node:path";
import { isWhole, type LogEntry, type Manifest } from "./manifest.js";
import type { Author, NextVersion } from "./manifest-log.js";
import { contentOf } from "./settle-commit.js";
import { isWriteFolder, type TableFolder } from "./table-folder.js";

/** What `prune` is to keep. */
export interface PruneOptions {
  /** How many snapshots stay readable, the newest included: 1 or more. */
  readonly keep: number;
  /**
   * After how many milliseconds without a change the folder of a write that was never published counts as abandoned.
   * Default: a day. A writer that is slower than that loses its write, and nothing else.
   */
  readonly abandonedAfterMs?: number;
}

/** What `prune` removed. */
export interface PruneReport {
  /** Snapshots that can no longer be read. */
  readonly snapshots: number;
  readonly files: number;
  /** Writes that were never published. */
  readonly abandonedWrites: number;
}

const DAY_MS = 86_400_000;

/**
 * Removes old snapshots, the files that no kept one names, and what killed writers left behind.
 *
 * First a version says which abandoned folders go: their writers, should they live, cannot publish any more. Then old
 * versions are cut down to the proof of their commits. Only then files go: what a crash in between leaves is named by
 * nobody, and is abandoned for the next pruning.
 */
export async function pruneTable(table: TableFolder, options: PruneOptions): Promise<PruneReport> {
  if ((await table.disk.list(table.data)) === undefined) return { snapshots: 0, files: 0, abandonedWrites: 0 };
  const base = await table.log.newest();
  const author = await table.author();
  try {
    const swept = await fenceAbandoned(table, author, base, options.abandonedAfterMs ?? DAY_MS);
    // A writer that died behind its commit may have left others with a snapshot that goes now.
    await table.showCurrent(author);
    const { kept, old } = divided(await wholeVersions(table), options.keep);
    // From the oldest on: what is whole stays one piece, at whose end the look for it may stop.
    for (const entry of old.toReversed()) await table.log.cutDown(author, entry);
    const files = await removeFiles(table, old, kept);
    for (const folder of swept) await table.disk.remove(join(table.data, folder));
    return { snapshots: old.filter(isSnapshot).length, files, abandonedWrites: swept.length };
  } finally {
    await table.disk.remove(author.folder).catch(() => undefined);
  }
}

/** All versions that were not pruned, the newest first. */
export async function wholeVersions({ log }: TableFolder): Promise<readonly Manifest[]> {
  const versions: Manifest[] = [];
  for (let entry: LogEntry | null | undefined = await log.newest(); entry && isWhole(entry);) {
    versions.push(entry);
    entry = await log.find(entry.version - 1);
  }
  return versions;
}

/** Whether the version is what a write left, and can be asked for by its number. */
export function isSnapshot({ act, columns }: Manifest): boolean {
  return act.kind === "commit" && columns !== null;
}

/** @returns the folders that no writer can publish any more. */
async function fenceAbandoned(
  table: TableFolder,
  author: Author,
  base: Manifest | null,
  abandonedAfterMs: number,
): Promise<readonly string[]> {
  const found = await abandonedFolders(table, author, abandonedAfterMs);
  let folders = found;
  const next = (newest: Manifest | null, since: readonly LogEntry[]): NextVersion => {
    const published = new Set(since.map((entry) => entry.author));
    folders = folders.filter((folder) => !published.has(folder));
    return { ...contentOf(newest), act: { kind: "sweep", folders } };
  };
  if (found.length > 0) await table.log.publish(author, base, next);
  return folders;
}

async function abandonedFolders(table: TableFolder, author: Author, abandonedAfterMs: number): Promise<string[]> {
  const { disk, data } = table;
  const folders = (await disk.list(data)) ?? [];
  // Read after the folders: what was published until then is named in it.
  const named = foldersOf(await wholeVersions(table));
  // By the same clock as the folders' own times.
  const now = (await disk.lastChangeMs(author.folder)) ?? 0;
  const abandoned: string[] = [];
  for (const folder of folders) {
    if (!isWriteFolder(folder) || folder === author.name || named.has(folder)) continue;
    const changed = await disk.lastChangeMs(join(data, folder));
    if (changed !== undefined && now - changed >= abandonedAfterMs) abandoned.push(folder);
  }
  return abandoned;
}

function divided(versions: readonly Manifest[], keep: number): { kept: readonly Manifest[]; old: readonly Manifest[] } {
  const snapshots = versions.flatMap((version, index) => (isSnapshot(version) ? [index] : []));
  const last = snapshots[keep - 1] ?? versions.length;
  return { kept: versions.slice(0, last + 1), old: versions.slice(last + 1) };
}

async function removeFiles(
  { disk, path, data }: TableFolder,
  old: readonly Manifest[],
  kept: readonly Manifest[],
): Promise<number> {
  const named = new Set(pathsOf(kept));
  const namedFolders = foldersOf(kept);
  const unnamed = [...new Set(pathsOf(old))].filter((file) => !named.has(file));
  for (const file of unnamed) if (namedFolders.has(folderOf(file))) await disk.remove(join(path, file));
  for (const folder of foldersOf(old)) if (!namedFolders.has(folder)) await disk.remove(join(data, folder));
  return unnamed.length;
}

function pathsOf(versions: readonly Manifest[]): readonly string[] {
  return versions.flatMap(({ files }) => files.map((file) => file.path));
}

function foldersOf(versions: readonly Manifest[]): ReadonlySet<string> {
  return new Set(pathsOf(versions).map(folderOf));
}

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}
