import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { FileLock } from "../file-lock/file-lock.js";
import { abortable } from "./abortable.js";
import type { Database } from "./database.js";
import { fileHeld, fileMissing, fileOfManyNames, fileUnusable, isHeldElsewhere, isInvalidated } from "./file-error.js";
import { OneAtATime } from "./one-at-a-time.js";
import { sleep } from "./pause.js";
import { quoteIdentifier, quoteText } from "./quote.js";

/** A database file that has a name of its own in an instance. */
export interface AttachableFile {
  readonly path: string;
  readonly name: string;
  /** Under this name nobody writes it. */
  readonly readOnly: boolean;
  /** How long to wait for a file that another process holds, in milliseconds. */
  readonly waitMs: number;
}

/** What somebody needs a file for. */
export interface FileUse {
  readonly path: string;
  readonly readOnly: boolean;
  /** It is made when it is not there. */
  readonly create: boolean;
  /** Default: the name that the file has in this instance for such a use. */
  readonly name?: string;
  /** How long to wait for whoever holds the file, in milliseconds. Default: as long as the file says. */
  readonly waitMs?: number;
  readonly signals: readonly AbortSignal[];
}

export interface FileLease {
  /** The quoted name under which the file is attached. */
  readonly catalog: string;
  /**
   * Never rejects.
   *
   * @param failure what the use ended with, if it failed.
   */
  readonly release: (failure?: unknown) => Promise<void>;
}

/** Waiting for a file that is not declared: nobody said how long. */
export const DEFAULT_WAIT_MS = 10_000;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 25;

/**
 * Database files, attached while somebody uses them and no longer: other processes cannot use an attached file meanwhile.
 *
 * A file that is attached for writing is locked on disk, too. DuckDB's own lock does not see a second instance in another
 * thread of this process, and is lost when anybody in the process closes the file.
 */
export class AttachedFiles {
  private readonly files = new Map<string, AttachedFile>();

  constructor(
    private readonly database: Database,
    private readonly ddl: OneAtATime,
    private readonly known: readonly AttachableFile[],
  ) {}

  /** Whether the file is attached, by whatever name. */
  has(path: string): boolean {
    return [...this.files.values()].some((file) => file.isAttachment(path));
  }

  /**
   * Attaches the file, or shares what is attached.
   *
   * @throws JobError `connection_unavailable`, which is retryable only when somebody else holds the file.
   */
  async lease(use: FileUse): Promise<FileLease> {
    const known = this.known.find(({ path, readOnly }) => path === use.path && readOnly === use.readOnly);
    const name = use.name ?? known?.name ?? `millrace file ${use.path}`;
    // Files that are only read may be attached under several names at once.
    const key = `${name.toLowerCase()}\0${use.path}`;
    let file = this.files.get(key);
    if (file === undefined) {
      const waitMs = known?.waitMs ?? DEFAULT_WAIT_MS;
      file = new AttachedFile({ path: use.path, name, readOnly: use.readOnly, waitMs }, this.database, this.ddl);
      this.files.set(key, file);
    }
    return file.lease(use);
  }
}

/** One file in one instance. */
class AttachedFile {
  private users = 0;
  private isAttached = false;
  /** DuckDB gave the file up, as after a disk that was full: nobody new may use it before it is attached anew. */
  private isBroken = false;
  private lock: FileLock | undefined;
  private readonly turn = new OneAtATime();

  constructor(
    private readonly file: AttachableFile,
    private readonly database: Database,
    private readonly ddl: OneAtATime,
  ) {}

  isAttachment(path: string): boolean {
    return this.isAttached && this.file.path === path;
  }

  /** Whose signal is aborted does not wait for those before him. */
  lease(use: FileUse): Promise<FileLease> {
    return abortable(
      use.signals,
      () => this.turn.run(() => this.leaseNow(use)),
      new Set(),
      ({ release }) => release(),
    );
  }

  private async leaseNow(use: FileUse): Promise<FileLease> {
    for (const signal of use.signals) signal.throwIfAborted();
    if (this.isBroken) await this.untilLeft(use);
    if (this.isBroken) await this.detach();
    if (!this.isAttached) await this.attach(use);
    this.users += 1;
    let isReleased = false;
    const release = async (failure?: unknown): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      if (failure !== undefined && isInvalidated(failure)) this.isBroken = true;
      await this.giveBack();
    };
    return { catalog: quoteIdentifier(this.file.name), release };
  }

  /** Not for ever: one of those who use it may be the query that asks, reading what it is to write. */
  private async untilLeft({ signals, waitMs = this.file.waitMs }: FileUse): Promise<void> {
    for (let waited = 0, pauseMs = FIRST_PAUSE_MS; this.users > 0; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      for (const signal of signals) signal.throwIfAborted();
      if (waited >= waitMs) throw fileHeld(this.file.path, waitMs);
      await sleep(pauseMs);
      waited += pauseMs;
    }
  }

  private async attach(use: FileUse): Promise<void> {
    const { path } = this.file;
    const waitMs = use.waitMs ?? this.file.waitMs;
    if (!existsSync(use.create ? dirname(path) : path)) throw fileMissing(path);
    if (!use.readOnly) {
      const signal = AbortSignal.any([...use.signals]);
      this.lock = await FileLock.acquire(`${path}.lock`, { signal, waitMs }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw fileUnusable(path, error);
      });
      if (this.lock === undefined) throw fileHeld(path, waitMs);
    }
    try {
      if (!use.readOnly && (statSync(path, { throwIfNoEntry: false })?.nlink ?? 1) > 1) throw fileOfManyNames(path);
      await this.attachWhenFree(use, waitMs);
      this.isAttached = true;
    } finally {
      if (!this.isAttached) this.unlock();
    }
  }

  /** Programs that know nothing of our lock, and readers, hold DuckDB's own. */
  private async attachWhenFree({ readOnly, signals }: FileUse, waitMs: number): Promise<void> {
    const { path, name } = this.file;
    const mode = readOnly ? "read_only" : "read_write";
    const attach = `attach ${quoteText(path)} as ${quoteIdentifier(name)} (${mode}, type duckdb)`;
    for (let waited = 0, pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      for (const signal of signals) signal.throwIfAborted();
      try {
        await this.ddl.run(() => this.database.use((connection) => connection.work(attach)));
        return;
      } catch (error) {
        if (!isHeldElsewhere(error)) throw fileUnusable(path, error);
        if (waited >= waitMs) throw fileHeld(path, waitMs, error);
      }
      await sleep(pauseMs);
      waited += pauseMs;
    }
  }

  private async giveBack(): Promise<void> {
    this.users -= 1;
    if (this.users === 0) await this.turn.run(() => this.detach());
  }

  private async detach(): Promise<void> {
    if (this.users > 0 || !this.isAttached) return;
    const name = quoteIdentifier(this.file.name);
    const attached = `select 1 from duckdb_databases() where database_name = ${quoteText(this.file.name)}`;
    // Puts into the file what is still in its log, which may take a while: nobody else's DDL waits for that. Where there is
    // no room for it, it stays in the log, and the file is detached nevertheless.
    const checkpoint = (): Promise<unknown> => this.database.use((connection) => connection.work(`checkpoint ${name}`));
    if (this.lock !== undefined) await checkpoint().catch(() => undefined);
    const detach = (): Promise<boolean> =>
      this.database.use(async (connection) => {
        await connection.work(`detach ${name}`).catch(() => undefined);
        return (await connection.read(attached)).length > 0;
      });
    // An instance that was closed meanwhile has nothing attached.
    this.isAttached = await this.ddl.run(detach).catch(() => false);
    if (this.isAttached) return;
    this.isBroken = false;
    this.unlock();
  }

  private unlock(): void {
    this.lock?.release();
    this.lock = undefined;
  }
}
