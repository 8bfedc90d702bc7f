import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { JobError } from "../../../model/job-error.js";
import type { JsonValue } from "../../../model/json.js";
import type { CommitId } from "../../../model/write-mode.js";
import { FileLock, type LockWait } from "../../file-lock/file-lock.js";
import type { CommitEntry, CommitOutcome, CommitRecord } from "./commit-entry.js";
import { readDurable, writeDurably } from "./durable-file.js";

/** Beside the tables. Lance lists only folders that end in `.lance`. */
const JOURNALS_FOLDER = "_millrace";

/**
 * What is known of the commits of one table, held under its lock: whoever has one is the only writer, as far as writers
 * know of the lock.
 *
 * A commit is tried between {@link begin} and {@link finish}. If a process dies there, its entry stays open, and the next
 * holder of the lock finishes it before it does anything else.
 */
export class TableJournal {
  private constructor(
    private readonly folder: string,
    private readonly lock: FileLock,
  ) {}

  /**
   * Waits for the table's lock. The folder that holds the tables must be there.
   *
   * @returns undefined when somebody else held it for all of `waitMs`.
   */
  static async open(tables: string, table: string, wait: LockWait): Promise<TableJournal | undefined> {
    const folder = join(tables, JOURNALS_FOLDER, table);
    await mkdir(join(folder, "commits"), { recursive: true });
    await mkdir(join(folder, "state"), { recursive: true });
    const lock = await FileLock.acquire(join(folder, LOCK_FILE), wait);
    return lock && new TableJournal(folder, lock);
  }

  /** Whether somebody ever held the table's lock. */
  static isThere(tables: string, table: string): boolean {
    return existsSync(join(tables, JOURNALS_FOLDER, table, LOCK_FILE));
  }

  /**
   * A state, without the lock: writers hold that while the ledger decides over their permit.
   *
   * @returns undefined when a commit is open, and only a holder of the lock can tell whether it counts.
   */
  static async settledState(tables: string, table: string, key: string): Promise<JsonValue | undefined> {
    const folder = join(tables, JOURNALS_FOLDER, table);
    if ((await readDurable(join(folder, OPEN_FILE))) !== undefined) return undefined;
    return stateIn(folder, key);
  }

  release(): void {
    this.lock.release();
  }

  async openEntry(): Promise<CommitEntry | undefined> {
    return (await readDurable(this.#openPath)) as CommitEntry | undefined;
  }

  begin(entry: CommitEntry): Promise<void> {
    return writeDurably(this.#openPath, entry);
  }

  /** May be repeated when it was cut off. The state counts from here on if the commit landed. */
  async finish(entry: CommitEntry, outcome: CommitOutcome): Promise<void> {
    if (entry.state !== undefined) await this.#keepState(entry.commitId, entry.state, outcome);
    const record: CommitRecord = { commitId: entry.commitId, entry, outcome };
    await writeDurably(this.#recordPath(entry.commitId), record);
    await rm(this.#openPath, { force: true });
  }

  async record(commitId: CommitId): Promise<CommitRecord | undefined> {
    return (await readDurable(this.#recordPath(commitId))) as CommitRecord | undefined;
  }

  /** From now on this commit can no longer be tried. */
  plantFence(commitId: CommitId): Promise<void> {
    const record: CommitRecord = { commitId, outcome: { state: "never" } };
    return writeDurably(this.#recordPath(commitId), record);
  }

  /** Null when no commit left one. Rejects while it is not known whether the last one did. */
  state(key: string): Promise<JsonValue> {
    return stateIn(this.folder, key);
  }

  async #keepState(commitId: CommitId, { key, from, to }: NonNullable<CommitEntry["state"]>, outcome: CommitOutcome) {
    const kept = (await readDurable(statePath(this.folder, key))) as KeptState | undefined;
    const landed = outcome.state === "committed";
    const own = kept?.inDoubt === true && kept.commitId === commitId;
    if (outcome.state === "never" && !own) return;
    const state: KeptState = { key, commitId, value: landed ? to : from, inDoubt: outcome.state === "in_doubt" };
    await writeDurably(statePath(this.folder, key), state);
  }

  get #openPath(): string {
    return join(this.folder, OPEN_FILE);
  }

  #recordPath(commitId: CommitId): string {
    return join(this.folder, "commits", `${fileName(commitId)}.json`);
  }
}

const LOCK_FILE = "lock";
const OPEN_FILE = "open.json";

async function stateIn(folder: string, key: string): Promise<JsonValue> {
  const kept = (await readDurable(statePath(folder, key))) as KeptState | undefined;
  if (kept?.inDoubt !== true) return kept?.value ?? null;
  throw new JobError("connection_unavailable", {
    message: `It is not known whether the commit ${kept.commitId} landed, and so neither what the job's state is.`,
    hint: "Settle that run first: its error says what is in doubt.",
    retryable: false,
  });
}

function statePath(folder: string, key: string): string {
  return join(folder, "state", `${fileName(key)}.json`);
}

interface KeptState {
  readonly key: string;
  readonly commitId: CommitId;
  readonly value: JsonValue;
  readonly inDoubt: boolean;
}

/** Ids and keys hold what file names cannot. */
function fileName(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
