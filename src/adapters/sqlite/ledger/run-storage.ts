import { isJobError } from "../../../model/job-error.js";
import type { RunEvent } from "../../../model/run-event.js";
import { runCursor, type RunPageRequest } from "../../../model/run-paging.js";
import type { RunRecord, RunStep } from "../../../model/run-record.js";
import type { RunPage, UnreadableRun } from "../../../model/run.js";
import { eventOf, eventRowOf, recordOf, rowOf } from "./run-rows.js";
import type { FullRow, Statements } from "./statements.js";

/** A run and where it is stored. */
export interface StoredRun {
  readonly seq: number;
  readonly record: RunRecord;
}

export type Numbers = readonly { readonly seq: number }[];

/** The runs of a ledger, in their rows. Every method is called within a transaction. */
export class RunStorage {
  constructor(
    private readonly statements: Statements,
    /** The session through which leases are taken; null where owners have none. */
    private readonly session: number | null,
  ) {}

  get(id: string): StoredRun | undefined {
    return stored(this.statements.runById.get({ id }));
  }

  byIdempotencyKey(key: string | null): StoredRun | undefined {
    return key === null ? undefined : stored(this.statements.runByKey.get({ key: JSON.stringify(key) }));
  }

  add({ record, events }: RunStep, now: number): void {
    const { insertRun, insertDefinition } = this.statements;
    const seq = Number(insertRun.run(rowOf(record, 0, null, now)).lastInsertRowid);
    const { definition, parameters } = record.run;
    insertDefinition.run({
      run_seq: seq,
      definition: JSON.stringify(definition),
      parameters: JSON.stringify(parameters),
    });
    this.#log(seq, events);
  }

  write(seq: number, step: RunStep, now: number): void {
    this.#write(seq, step, null, now);
  }

  /** As {@link write}, for a step that gave a lease: it belongs to this session from now on. */
  writeClaimed(seq: number, step: RunStep, now: number): void {
    this.#write(seq, step, this.session, now);
  }

  /** The run of this number; undefined, and told, when it cannot be read: it must not hide others. */
  readable(seq: number, tell: (unreadable: UnreadableRun) => void): StoredRun | undefined {
    const row = this.statements.runBySeq.get({ seq });
    try {
      return stored(row);
    } catch (error) {
      if (!row || !isJobError(error, "store_unavailable")) throw error;
      tell({ id: row.id, reason: error.message });
      return undefined;
    }
  }

  page(request: RunPageRequest): RunPage {
    const numbers = this.#pageNumbers(request);
    const unreadable: UnreadableRun[] = [];
    const page = numbers.slice(0, request.limit);
    const runs = page.flatMap(({ seq }) => this.readable(seq, (run) => unreadable.push(run))?.record.run ?? []);
    const last = page.at(-1);
    return {
      runs,
      ...(last && numbers.length > page.length && { nextCursor: runCursor(last.seq) }),
      ...(unreadable.length > 0 && { unreadable }),
    };
  }

  events(id: string, after: number, limit: number): readonly RunEvent[] {
    return this.statements.events.all({ id, after, limit }).map((row) => eventOf(id, row));
  }

  prune(finishedBefore: number, limit: number): number {
    const { finishedRuns, deleteRun, deleteDefinition, deleteEvents } = this.statements;
    const finished = finishedRuns.all({ before: finishedBefore, limit });
    for (const run of finished) {
      for (const statement of [deleteEvents, deleteDefinition, deleteRun]) statement.run(run);
    }
    return finished.length;
  }

  #write(seq: number, { record, events }: RunStep, session: number | null, now: number): void {
    this.statements.updateRun.run(rowOf(record, seq, session, now));
    this.#log(seq, events);
  }

  #log(seq: number, events: readonly RunEvent[]): void {
    for (const event of events) this.statements.insertEvent.run(eventRowOf(event, seq));
  }

  // One seek in an index for each status: a single query over several would sort all runs that have one of them.
  #pageNumbers({ jobName, statuses, limit, before }: RunPageRequest): Numbers {
    const { page, pageOfStatus, pageOfJob, pageOfJobStatus } = this.statements;
    const range = { before, limit: limit + 1 };
    if (!statuses) return jobName === undefined ? page.all(range) : pageOfJob.all({ ...range, jobName });
    return statuses
      .flatMap((status) =>
        jobName === undefined
          ? pageOfStatus.all({ ...range, status })
          : pageOfJobStatus.all({ ...range, jobName, status }),
      )
      .sort((left, right) => right.seq - left.seq)
      .slice(0, limit + 1);
  }
}

function stored(row: FullRow | undefined): StoredRun | undefined {
  return row && { seq: row.seq, record: recordOf(row) };
}
