import { isJobError } from "../../../model/job-error.js";
import type { RunEvent } from "../../../model/run-event.js";
import type { RunRecord, RunStep } from "../../../model/run-record.js";
import { isTerminal } from "../../../model/run-status.js";
import type { JobRun, UnreadableRun } from "../../../model/run.js";
import type { FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { Definitions } from "../../sql/definitions.js";
import { eventOf, eventRowOf, recordOf, rowOf, stepRowOf } from "../../sql/run-rows.js";
import type { RunStatements } from "./run-statements.js";

/** A run and where it is stored. */
export interface StoredRun {
  readonly seq: number;
  readonly record: RunRecord;
  /** Where it stands as a pending run. */
  readonly queue: RunRow["queue"];
}

/** The runs of a ledger, in their rows. Every method is called within a transaction. */
export class RunStorage {
  /** Runs under way, as this store wrote them last: most steps are the next ones of a run that it just wrote. */
  readonly #written = new Map<string, StoredRun>();

  constructor(
    private readonly statements: RunStatements,
    private readonly definitions: Definitions,
    /** The session through which leases are taken; null where owners have none. */
    private readonly session: number | null,
    /** Whether nobody writes to the ledger unseen between {@link forget}s. */
    private readonly remembers: boolean,
    /** Hears of every step, which may yet be taken back. */
    private readonly onStep: (step: RunStep) => void = () => undefined,
  ) {}

  /** To be called when somebody else may have written, or when what was written was taken back. */
  forget(): void {
    this.#written.clear();
  }

  get(id: string): StoredRun | undefined {
    return this.#stored(this.statements.runById.get({ id }));
  }

  /** As {@link get}, under the write lock. What it gives may be given again: it is not to be changed or handed out. */
  toWrite(id: string): StoredRun | undefined {
    return this.#written.get(id) ?? this.get(id);
  }

  bySeq(seq: number): StoredRun | undefined {
    return this.#stored(this.statements.runBySeq.get({ seq }));
  }

  byIdempotencyKey(key: string | null): StoredRun | undefined {
    return key === null ? undefined : this.#stored(this.statements.runByKey.get({ key: JSON.stringify(key) }));
  }

  /** False: there is a run of this id. */
  add(step: RunStep, now: number): boolean {
    const { record, events } = step;
    const { insertRun, insertDefinition } = this.statements;
    const { changes, lastInsertRowid } = insertRun.write(rowOf(record, now));
    if (changes === 0) return false;
    const seq = Number(lastInsertRowid);
    const { definition, parameters } = record.run;
    insertDefinition.write({
      run_seq: seq,
      definition: this.definitions.textOf(definition),
      parameters: JSON.stringify(parameters),
    });
    this.#log(seq, events);
    this.onStep(step);
    return true;
  }

  /** Writes a step that gives no lease. */
  write(before: StoredRun, step: RunStep, now: number): void {
    const { keepRun, endRun, moveRun } = this.statements;
    const { status } = step.record.run;
    const isPending = before.record.run.status === "pending";
    const statement = isUnderWay(step.record.run) ? keepRun : isTerminal(status) && !isPending ? endRun : moveRun;
    this.#write(statement, before, step, now);
  }

  /** Writes a claim: its lease belongs to this session from now on. */
  start(before: StoredRun, step: RunStep, now: number): void {
    this.#write(this.statements.startRun, before, step, now);
  }

  /** As {@link start}, for a run that another owner had. */
  takeOver(before: StoredRun, step: RunStep, now: number): void {
    this.#write(this.statements.takeOverRun, before, step, now);
  }

  /** The run of this number; undefined, and told, when it cannot be read: it must not hide others. */
  readable(seq: number, tell: (unreadable: UnreadableRun) => void): StoredRun | undefined {
    const row = this.statements.runBySeq.get({ seq });
    try {
      return this.#stored(row);
    } catch (error) {
      if (!row || !isJobError(error, "store_unavailable")) throw error;
      tell({ id: row.id, reason: error.message });
      return undefined;
    }
  }

  events(id: string, after: number, limit: number): readonly RunEvent[] {
    return this.statements.events.all({ id, after, limit: Math.max(0, limit) }).map((row) => eventOf(id, row));
  }

  /** @param listings the terminal statuses. */
  prune(listings: readonly string[], before: number, asked: number): number {
    const limit = Math.max(0, asked);
    const { finishedRuns, deleteRun, deleteDefinition, deleteEvents } = this.statements;
    const finished = listings
      .flatMap((status) => finishedRuns.all({ status, before, limit }))
      .sort((left, right) => left.finished_at - right.finished_at || left.seq - right.seq)
      .slice(0, limit);
    for (const { seq } of finished) {
      for (const statement of [deleteEvents, deleteDefinition, deleteRun]) statement.run({ seq });
    }
    return finished.length;
  }

  // Only over what the step was computed from: a record that is out of date must never win, whatever let it grow old.
  #write(statement: RunStatements["startRun"], before: StoredRun, step: RunStep, now: number): void {
    const { record, events } = step;
    const { seq } = before;
    const { run, epoch } = before.record;
    const row = Object.assign(stepRowOf(record, now), { lease_session: this.session });
    const { status, lastEventSeq } = run;
    if (!statement.change(row, { seq, status, epoch, last_event_seq: lastEventSeq })) throw new StaleRecord(run.id);
    this.#log(seq, events);
    this.onStep(step);
    if (this.remembers && isUnderWay(record.run)) this.#written.set(record.run.id, { seq, record, queue: null });
    else this.#written.delete(record.run.id);
  }

  #stored(row: FullRow | undefined): StoredRun | undefined {
    return row && { seq: row.seq, record: recordOf(row, this.definitions.read), queue: row.queue };
  }

  #log(seq: number, events: readonly RunEvent[]): void {
    for (const event of events) this.statements.insertEvent.write(eventRowOf(event, seq));
  }
}

/** A run is not as it was remembered. Its act is taken back and carried out again, from what is stored. */
class StaleRecord extends Error {
  constructor(runId: string) {
    super(`The run ${runId} is not as the ledger remembered it.`);
  }
}

export function isUnderWay({ status }: Pick<JobRun, "status">): boolean {
  return status === "running" || status === "committing";
}
