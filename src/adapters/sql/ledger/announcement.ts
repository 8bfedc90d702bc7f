import type { RunStep } from "../../../model/run-record.js";
import type { StoreChange } from "../../../model/run-change.js";

/** In bytes. Postgres takes less than 8,000. */
const LARGEST = 7_900;

/** What the processes of a ledger tell each other: which runs changed, and whether one may be claimed. */
export class Announcement {
  #pending = false;
  #unknown = false;
  readonly #runs = new Set<string>();
  readonly #cancels = new Set<string>();

  get isEmpty(): boolean {
    return !this.#pending && !this.#unknown && this.#runs.size === 0 && this.#cancels.size === 0;
  }

  /** Whether somebody may wait for it. */
  get isUrgent(): boolean {
    return this.#pending || this.#unknown || this.#cancels.size > 0;
  }

  /** There may be something to claim. */
  addPending(): void {
    this.#pending = true;
  }

  addStep({ record: { run }, events }: RunStep): void {
    if (run.status === "pending") this.#pending = true;
    if (events.length > 0) this.#runs.add(run.id);
    if (events.some(({ type }) => type === "run.cancel_requested")) this.#cancels.add(run.id);
  }

  add(other: Announcement): void {
    this.#pending ||= other.#pending;
    this.#unknown ||= other.#unknown;
    for (const id of other.#runs) this.#runs.add(id);
    for (const id of other.#cancels) this.#cancels.add(id);
    // However long nobody could be told, what is to be told stays small.
    if (this.#runs.size > LARGEST / 8) this.#forget();
  }

  /** What it says, for who hears it without a payload. */
  changes(): readonly StoreChange[] {
    return this.isEmpty ? [] : changesIn(this.payload());
  }

  /** @param largest how many bytes it may have; else it says that it does not know. */
  payload(largest = LARGEST): string {
    if (this.#unknown) return UNKNOWN;
    const [runs, cancels] = [[...this.#runs], [...this.#cancels]];
    const text = JSON.stringify({
      ...(this.#pending && { p: 1 }),
      ...(runs.length > 0 && { r: runs }),
      ...(cancels.length > 0 && { c: cancels }),
    });
    return new TextEncoder().encode(text).length > largest ? UNKNOWN : text;
  }

  #forget(): void {
    this.#unknown = true;
    this.#runs.clear();
    this.#cancels.clear();
  }
}

/** What a payload says; `unknown` for one of a version that says more. */
export function changesIn(payload: string): readonly StoreChange[] {
  try {
    const { p, r = [], c = [] } = JSON.parse(payload) as { p?: 1; r?: string[]; c?: string[] };
    const changes: StoreChange[] = p === 1 ? [{ kind: "pending" }] : [];
    for (const runId of c) changes.push({ kind: "cancel", runId });
    for (const runId of r) changes.push({ kind: "run", runId });
    return changes.length > 0 ? changes : [{ kind: "unknown" }];
  } catch {
    return [{ kind: "unknown" }];
  }
}

const UNKNOWN = "{}";
