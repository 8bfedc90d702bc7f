import { basename, dirname, join } from "node:path";
import type { Disk } from "./disk.js";
import { isWhole, parseEntry } from "./manifest.js";
import { type Author, ManifestLog } from "./manifest-log.js";

/** Marks the folder of a dataset: an empty mount point has none, so nobody takes it for a dataset without tables. */
const MARKER = "_millrace_dataset.json";

/** The newest manifest, for readers that know nothing of the log. */
const CURRENT = "_current.json";

const LONGEST_NAME = 255;

/**
 * The folder name of a table: the table's own, with every byte but plain letters, digits, `-`, `_` and `.` as `%XX`.
 * Undefined where that would be longer than a folder's name can be.
 */
export function folderNameOf(table: string): string | undefined {
  const name = [...Buffer.from(table, "utf8")].map(spelled).join("");
  return name === "" || name.length > LONGEST_NAME ? undefined : name;
}

/** The table whose folder has this name; undefined for a folder that is no table's. */
export function tableNameOf(folder: string): string | undefined {
  const spelledOut = folder.replace(/%([0-9A-F]{2})/g, (_, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  );
  const table = Buffer.from(spelledOut, "latin1").toString("utf8");
  return folderNameOf(table) === folder ? table : undefined;
}

function spelled(byte: number, index: number): string {
  const sign = String.fromCharCode(byte);
  // In front, `.` and `_` hide a folder from other tools, and are ours.
  const isPlain = /[A-Za-z0-9-]/.test(sign) || (index > 0 && /[._]/.test(sign));
  return isPlain ? sign : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Whether a folder of `data` is one that a write made, and not somebody else's. */
export function isWriteFolder(name: string): boolean {
  return /^w-[A-Za-z0-9]{6}$/.test(name);
}

/** Where one table lies: `_log` with its manifests, `data` with a folder for each write, and `_current.json`. */
export class TableFolder {
  readonly log: ManifestLog;
  readonly data: string;

  constructor(
    readonly disk: Disk,
    readonly path: string,
  ) {
    this.log = new ManifestLog(disk, join(path, "_log"));
    this.data = join(path, "data");
  }

  /** Whether the folder above is a dataset's, and not an empty mount point or nothing at all. */
  async isInDataset(): Promise<boolean> {
    return (await this.disk.read(join(dirname(this.path), MARKER))) !== undefined;
  }

  /** Makes the folders of a table without a version, durably. The dataset's own folder is made, the one above it is not. */
  async make(): Promise<void> {
    const root = dirname(this.path);
    await this.folder(root);
    if (!(await this.isInDataset())) {
      await this.disk.create(join(root, MARKER), "{}\n").catch(async (error: unknown) => {
        // Another process was faster.
        if (!(await this.isInDataset())) throw error;
      });
    }
    await this.disk.sync(root);
    for (const folder of [this.path, this.log.folder, this.data]) await this.folder(folder);
  }

  /** A folder of its own for one act, not yet durable. */
  async author(): Promise<Author> {
    const folder = await this.disk.makeUniqueFolder(join(this.data, "w-"));
    return { folder, name: basename(folder), mayBeNamed: false };
  }

  /** Rejects where a file cannot have a second name: no commit could be published there, and none settled. */
  async checkLinks(author: Author): Promise<void> {
    const second = join(author.folder, "link.json");
    await this.disk.link(join(dirname(this.path), MARKER), second);
    // DuckDB wants the folder empty.
    await this.disk.remove(second);
  }

  /** Shows the newest version to readers that know nothing of the log. */
  async showCurrent(author: Author): Promise<void> {
    for (let shown = 0, round = 0; ; round += 1) {
      const newest = await this.log.newest();
      if (newest === null || newest.columns === null || newest.version === shown) return;
      const name = join(author.folder, `current-${round}.json`);
      await this.disk.link(this.log.path(newest.version), name);
      const linked = parseEntry((await this.disk.read(name)) ?? "", newest.version, name);
      // Pruned since it was read: there is a newer one.
      const isPruned = !isWhole(linked);
      if (!isPruned) await this.disk.replace(join(this.path, CURRENT), name);
      // Renaming one name of a file onto another name of the same file leaves both.
      await this.disk.remove(name);
      if (isPruned) continue;
      // Somebody may have shown a newer one in between.
      shown = newest.version;
    }
  }

  private async folder(path: string): Promise<void> {
    await this.disk.makeFolder(path);
    // Also when it was there: who made it may have died before this.
    await this.disk.sync(dirname(path));
  }
}
