import { readFile, rename, writeFile } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import * as rules from "millrace";
import type { CancelOutcome, ClaimRequest, Clock, JobRun, JobStore, LeaseRenewal, LeaseState, NewRun } from "millrace";
import type { RunEvent, RunEventBody, RunPage, RunQuery, RunRecord, RunStep, RunTransition } from "millrace";
import type { TransitionOutcome } from "millrace";

interface Entry {
  /** Counts the runs in the order of their making. */
  readonly number: number;
  readonly events: RunEvent[];
  record: RunRecord;
}

/** A ledger in one small file, which every act writes anew: for a handful of runs a minute, and one process. */
export class FileJobStore implements JobStore {
  readonly capabilities = { shared: false, durable: true } as const;
  private clock: Clock | undefined;
  private ledger: { made: number; runs: Entry[] } = { made: 0, runs: [] };
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly path: string) {}

  get isOpen(): boolean {
    return this.clock !== undefined;
  }

  async open({ clock }: { readonly clock: Clock }): Promise<void> {
    if (this.isOpen) return;
    const bytes = await readFile(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw unavailable("cannot be read", error);
    });
    if (bytes) this.ledger = deserialize(bytes) as typeof this.ledger;
    this.clock ??= clock;
  }

  async close(): Promise<void> {
    this.clock = undefined;
    await this.turn;
  }

  createRun(run: NewRun): Promise<{ readonly run: JobRun; readonly created: boolean }> {
    return this.act(run, (given, now) => {
      const { runs } = this.ledger;
      const known = runs.find(({ record }) => given.idempotencyKey !== null && record.run.idempotencyKey === given.idempotencyKey);
      if (known) return { run: known.record.run, created: false };
      if (this.find(given.id)) throw rules.runIdTaken(given.id);
      const { record, events } = rules.newRunRecord(given, now);
      this.ledger.made += 1;
      runs.push({ number: this.ledger.made, record, events: [...events] });
      return { run: record.run, created: true };
    });
  }
}
