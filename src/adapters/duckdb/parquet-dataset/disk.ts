import { chmod, link, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Every step that a dataset takes on the file system, one effect each: between any two of them a process may die.
 * What is made is durable only once its file and the folder that holds its name were synchronised.
 */
export interface Disk {
  /** The text of a file; undefined when there is none of this name. */
  read(path: string): Promise<string | undefined>;
  /** The names in a folder; undefined when there is no such folder. */
  list(folder: string): Promise<readonly string[] | undefined>;
  /** When a folder, or anything in it, was last changed, by the file system's own clock; undefined: it is not there. */
  lastChangeMs(folder: string): Promise<number | undefined>;
  /** Makes a folder whose parent is there. False: it is there already. */
  makeFolder(path: string): Promise<boolean>;
  /** Makes a folder whose name begins with `prefix` and is given to nobody else, now or later. */
  makeUniqueFolder(prefix: string): Promise<string>;
  /** Makes a new file and synchronises what is in it. */
  create(path: string, text: string): Promise<void>;
  /** Gives a file a second name. False: the name is taken. */
  link(path: string, name: string): Promise<boolean>;
  /** Puts a file in the place of another. */
  replace(path: string, by: string): Promise<void>;
  sync(path: string): Promise<void>;
  /** Removes a file or a folder with all that is in it; it need not be there. */
  remove(path: string): Promise<void>;
}

export const localDisk: Disk = {
  read: (path) => unless("ENOENT", readFile(path, "utf8")),
  list: (folder) => unless("ENOENT", readdir(folder)),
  lastChangeMs: async (folder) => {
    const names = await unless("ENOENT", readdir(folder, { recursive: true }));
    if (names === undefined) return undefined;
    let last = -Infinity;
    for (const name of ["", ...names]) {
      const { mtimeMs = -Infinity } = (await unless("ENOENT", stat(join(folder, name)))) ?? {};
      last = Math.max(last, mtimeMs);
    }
    return last;
  },
  makeFolder: async (path) =>
    (await unless(
      "EEXIST",
      mkdir(path).then(() => true),
    )) ?? false,
  makeUniqueFolder: async (prefix) => {
    const folder = await mkdtemp(prefix);
    // It would be its maker's alone, and other users could not read what is published in it.
    await chmod(folder, (await stat(dirname(folder))).mode);
    return folder;
  },
  create: async (path, text) => {
    const file = await open(path, "wx");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  link: async (path, name) =>
    (await unless(
      "EEXIST",
      link(path, name).then(() => true),
    )) ?? false,
  replace: (path, by) => rename(by, path),
  sync: async (path) => {
    const file = await open(path, "r");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
};

/** Whether `error` is the system's, with this code. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

async function unless<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, code)) return undefined;
    throw error;
  }
}
