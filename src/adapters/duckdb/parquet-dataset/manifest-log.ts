import { join } from "node:path";
import { JobError } from "../../../model/job-error.js";
import type { CommitId } from "../../../model/write-mode.js";
import type { Disk } from "./disk.js";
import {
  broken,
  formatEntry,
  isWhole,
  type LogEntry,
  type Manifest,
  parseEntry,
  recentSince,
  type SettledCommit,
} from "./manifest.js";

/** What a new version says, but for its number and what follows from it. */
export type NextVersion = Pick<Manifest, "act" | "columns" | "partitionBy" | "files" | "states">;

/**
 * Makes the next version out of the newest one, or throws to give up.
 *
 * @param since what others published since the last call, oldest first.
 */
export type MakeNext = (newest: Manifest | null, since: readonly LogEntry[]) => NextVersion;

/**
 * The versions of one table: files that are made exclusively, one after another, and never given up again.
 *
 * Who publishes prepares a whole manifest elsewhere and gives it the next number as its second name, which succeeds for
 * one only. So a version is there whole or not at all, and no version can come between two.
 */
export class ManifestLog {
  /** A version that was there once: nearly always still the newest, or close to it. */
  private known = 0;

  constructor(
    private readonly disk: Disk,
    readonly folder: string,
  ) {}

  /** The newest version; null when there is none. */
  async newest(): Promise<Manifest | null> {
    let newest = (await this.find(this.known)) ?? (await this.find(await this.highest()));
    if (newest === undefined) return null;
    for (let next: LogEntry | undefined; (next = await this.find(newest.version + 1)) !== undefined;) newest = next;
    this.known = newest.version;
    // Pruning leaves the newest ones whole.
    if (!isWhole(newest)) throw broken(this.path(newest.version));
    return newest;
  }

  /** Undefined: there is no such version. */
  async find(version: number): Promise<LogEntry | Manifest | undefined> {
    if (version < 1) return undefined;
    const text = await this.disk.read(this.path(version));
    return text === undefined ? undefined : parseEntry(text, version, this.path(version));
  }

  /** What became of a commit; undefined when no version up to `newest` says so. */
  async settled(newest: LogEntry | null, commitId: CommitId): Promise<SettledCommit | undefined> {
    for (let entry = newest; entry !== null;) {
      const found = entry.recent.find((commit) => commit.commitId === commitId);
      const before = recentSince(entry.version);
      if (found !== undefined || before === 0) return found;
      entry = await this.found(before);
    }
    return undefined;
  }

  /**
   * Publishes the version after `base`, or after whatever others publish meanwhile.
   *
   * @param author a folder that is the caller's alone, in which the manifest is prepared.
   * @param base what `newest` gave before the caller prepared anything.
   */
  async publish(author: Author, base: Manifest | null, next: MakeNext): Promise<Manifest> {
    let newest = base;
    let since: readonly LogEntry[] = [];
    for (;;) {
      const manifest = following(newest, author.name, next(newest, since));
      const draft = join(author.folder, `manifest-${manifest.version}.json`);
      await this.disk.create(draft, formatEntry(manifest));
      // A power cut must not take the version before and leave this one: its author may not have come to it yet.
      await this.sync();
      author.mayBeNamed = true;
      const isLinked = await this.disk.link(draft, this.path(manifest.version));
      // A file server may have lost the answer to the first of two requests.
      if (isLinked || (await this.found(manifest.version)).author === author.name) {
        await this.sync();
        this.known = manifest.version;
        return manifest;
      }
      author.mayBeNamed = false;
      ({ newest, since } = await this.from(manifest.version));
    }
  }

  /** Makes what is published survive a power cut, whoever published it. */
  async sync(): Promise<void> {
    await this.disk.sync(this.folder);
  }

  /** Leaves of a version only what proves its commit, durably. */
  async cutDown(author: Author, { version, act, author: by, recent }: LogEntry): Promise<void> {
    const draft = join(author.folder, `pruned-${version}.json`);
    // A look-up reads the newest version, and of the others those that end a block.
    const kept = recentSince(version + 1) === version ? recent : [];
    await this.disk.create(draft, formatEntry({ version, act, author: by, recent: kept }));
    await this.disk.replace(this.path(version), draft);
    await this.sync();
  }

  path(version: number): string {
    return join(this.folder, `${String(version).padStart(20, "0")}.json`);
  }

  /** Every version from this one on. */
  private async from(version: number): Promise<{ newest: Manifest; since: readonly LogEntry[] }> {
    const since = [await this.found(version)];
    for (let next: LogEntry | undefined; (next = await this.find(version + since.length)) !== undefined;) {
      since.push(next);
    }
    const newest = since.at(-1);
    // One that was pruned meanwhile has others behind it.
    return newest !== undefined && isWhole(newest) ? { newest, since } : this.from(version);
  }

  private async found(version: number): Promise<LogEntry> {
    const entry = await this.find(version);
    if (entry === undefined) throw gap(this.path(version));
    return entry;
  }

  /** By a look at all names. Others than versions are not ours. */
  private async highest(): Promise<number> {
    const names = (await this.disk.list(this.folder)) ?? [];
    const versions = names.filter((name) => /^\d{20}\.json$/.test(name)).map((name) => Number(name.slice(0, 20)));
    const highest = versions.reduce((high, version) => Math.max(high, version), 0);
    if (versions.length !== highest) await this.refuseGap(new Set(versions), highest);
    return highest;
  }

  /** A new version would take the place of one that was deleted by hand. A name may also have come while we looked. */
  private async refuseGap(seen: ReadonlySet<number>, highest: number): Promise<void> {
    for (let version = 1; version < highest; version += 1) if (!seen.has(version)) await this.found(version);
  }
}

/** A folder in which one act is prepared. */
export interface Author {
  /** Given to nobody else, ever. */
  readonly name: string;
  readonly folder: string;
  /** A manifest that names files of this folder is in the log, or may be. */
  mayBeNamed: boolean;
}

function following(newest: Manifest | null, author: string, next: NextVersion): Manifest {
  const version = (newest?.version ?? 0) + 1;
  const before = newest !== null && recentSince(version) < newest.version ? newest.recent : [];
  return { version, author, ...next, recent: [...before, ...settledBy({ act: next.act, version })] };
}

/** What a version itself says of commits. */
export function settledBy({ act, version }: Pick<LogEntry, "act" | "version">): readonly SettledCommit[] {
  if (act.kind === "sweep") return [];
  return [{ commitId: act.commitId, version, rows: act.kind === "commit" ? act.rows : null }];
}

function gap(path: string): JobError<"connection_unavailable"> {
  return new JobError("connection_unavailable", {
    message: `The dataset's log has a gap: ${path} is not there.`,
    hint: "Files of a log must never be deleted by hand. Restore it from a backup.",
    retryable: false,
  });
}
