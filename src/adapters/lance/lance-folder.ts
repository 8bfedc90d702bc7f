import { mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { causeChain, JobError } from "../../model/job-error.js";
import { type LanceDatabase, type LanceTable, openDatabase } from "./driver.js";

/** A folder of Lance tables, opened when it is first needed. */
export class LanceFolder {
  #database: Promise<LanceDatabase> | undefined;

  constructor(readonly path: string) {}

  /** Rejects with `connection_unavailable` when the path is no folder, or neither it nor its parent is there. */
  async check(): Promise<void> {
    if (await this.isThere()) return;
    await folderAt(dirname(this.path)).catch((error: unknown) => {
      throw unavailable(this.path, error);
    });
  }

  isThere(): Promise<boolean> {
    return folderAt(this.path).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw unavailable(this.path, error);
      },
    );
  }

  /** Makes the folder, but not its parent: that may be the place of a disk which is not mounted. */
  async make(): Promise<void> {
    if (await this.isThere()) return;
    await mkdir(this.path).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw unavailable(this.path, error);
    });
  }

  /** Connecting makes the folder: only where {@link isThere}, or after {@link make}. */
  async database(): Promise<LanceDatabase> {
    this.#database ??= openDatabase(this.path);
    try {
      return await this.#database;
    } catch (error) {
      this.#database = undefined;
      throw error;
    }
  }

  /**
   * The table at its newest version, or undefined when there is none. A folder without a version is what a killed writer
   * left of a table that was never there.
   */
  async open(table: string): Promise<LanceTable | undefined> {
    if (!(await this.isThere())) return undefined;
    if (!(await this.#hasVersion(table))) return undefined;
    try {
      return await (await this.database()).openTable(table, []);
    } catch (error) {
      // Dropped since.
      if (!(await this.#hasVersion(table))) return undefined;
      throw unavailable(join(this.path, `${table}.lance`), error);
    }
  }

  /** The names of the tables that {@link open} would find. */
  async tables(): Promise<readonly string[]> {
    if (!(await this.isThere())) {
      await this.check();
      return [];
    }
    const folders = await readdir(this.path).catch((error: unknown) => {
      throw unavailable(this.path, error);
    });
    const names = folders.flatMap((folder) => /^(.+)\.lance$/s.exec(folder)?.[1] ?? []);
    const isTable = await Promise.all(names.map((name) => this.#hasVersion(name)));
    return names.filter((_, index) => isTable[index]);
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    (await database?.catch(() => undefined))?.close();
  }

  async #hasVersion(table: string): Promise<boolean> {
    try {
      const names = await readdir(join(this.path, `${table}.lance`, "_versions"));
      return names.some((name) => name.endsWith(".manifest"));
    } catch (error) {
      // Somebody's file is no table either.
      if (isMissing(error) || codeOf(error) === "ENOTDIR") return false;
      throw unavailable(this.path, error);
    }
  }
}

async function folderAt(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isDirectory()) throw new Error("it is not a folder");
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** The folder, or a part of it, as an error that names it. */
export function unavailable(path: string, cause: unknown): JobError {
  return new JobError("connection_unavailable", {
    message: `The Lance folder or table "${path}" cannot be used: ${firstLine(causeChain(cause))}`,
    hint: "Check that the path is right, that this user may read and write it, and which version of Lance wrote it.",
    cause,
  });
}

/** Lance's messages go on with places in its own source. */
export function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").replace(/, \S*\.cargo\/registry\S*|, \/usr\/local\/cargo\S*/g, "").trim();
}
