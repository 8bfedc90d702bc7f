import type { RunRecord } from "../../../model/run-record.js";

/** A run as this process wrote it last. */
export interface KnownRun {
  readonly seq: number;
  /** Nobody else's: never part of an answer. */
  readonly record: RunRecord;
  /** What the row's version must be for this to be true still. */
  readonly version: string;
  readonly gated: boolean;
}

/** More than one process works on at once; who was forgotten is read again. */
const MOST = 10_000;

/** The runs that this process works on: their next step is written without reading them, if they are as it left them. */
export class KnownRuns {
  readonly #runs = new Map<string, KnownRun>();

  get(id: string): KnownRun | undefined {
    return this.#runs.get(id);
  }

  /** Keeps a run that is under way. */
  keep(known: KnownRun): void {
    const { id } = known.record.run;
    this.#runs.delete(id);
    this.#runs.set(id, known);
    if (this.#runs.size <= MOST) return;
    const [oldest] = this.#runs.keys();
    if (oldest !== undefined) this.#runs.delete(oldest);
  }

  forget(id: string): void {
    this.#runs.delete(id);
  }
}

export function isUnderWay({ run: { status } }: RunRecord): boolean {
  return status === "running" || status === "committing";
}
