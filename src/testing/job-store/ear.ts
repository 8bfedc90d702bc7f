import type { StoreChange } from "../../model/run-change.js";
import type { Trial } from "./trial.js";

/** A second of the ledger's time, in steps; after that the word must come by itself, within the bound of ours. */
const STEPS = 20;
const STEP_MS = 50;
const SOON_MS = 5_000;

/** Listens to what a store tells. */
export class Ear {
  #heard: StoreChange[] = [];
  #wake: () => void = () => undefined;

  constructor(private readonly trial: Trial) {}

  get heard(): readonly StoreChange[] {
    return this.#heard;
  }

  forget(): void {
    this.#heard = [];
  }

  readonly onChange = (change: StoreChange): void => {
    this.#heard.push(change);
    this.#wake();
  };

  /** Does what must be heard, and waits for the word. A store that cannot tell what it was says `unknown`. */
  async hears(kind: StoreChange["kind"], act: () => Promise<unknown>, runId?: string): Promise<void> {
    this.forget();
    await act();
    // A store that asks now and then goes by the clock.
    for (let step = 0; step < STEPS && !this.#hasHeard(kind, runId); step += 1) await this.trial.clock.advance(STEP_MS);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      // eslint-disable-next-line no-restricted-globals -- a word that another process sends needs real time
      timer = setTimeout(() => reject(new Error(`The other store never told of "${kind}".`)), SOON_MS);
    });
    try {
      while (!this.#hasHeard(kind, runId)) {
        await Promise.race([late, new Promise<void>((resolve) => (this.#wake = resolve))]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #hasHeard(kind: StoreChange["kind"], runId: string | undefined): boolean {
    return this.#heard.some((change) => fits(change, kind, runId));
  }
}

function fits(change: StoreChange, kind: StoreChange["kind"], runId: string | undefined): boolean {
  if (change.kind === "unknown") return true;
  return change.kind === kind && (!("runId" in change) || change.runId === runId);
}
