import type { PlannedRun } from "./chaos-plan.js";
import type { Fleet } from "./fleet.js";
import type { SubmitFacts } from "./history.js";
import type { SubmitAnswer } from "./messages.js";

const MOST_AT_ONCE = 12;
/** How many runs may be on their way: enough for all workers, and few enough that the acts meet runs of every age. */
const MOST_UNDER_WAY = 100;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Facts = Writable<SubmitFacts> & { answers: SubmitFacts["answers"][number][]; refused: string[] };

/** Submits the planned runs, in order, through whichever processes listen, and keeps what became of each submit. */
export class SubmitPump {
  readonly facts = new Map<string, Facts>();
  readonly #left: PlannedRun[];
  #asking = 0;
  #sent = 0;

  constructor(
    runs: readonly PlannedRun[],
    private readonly fleet: Fleet,
    /** The slots whose processes submit. */
    private readonly submitters: readonly number[],
    private readonly random: () => number,
  ) {
    this.#left = [...runs];
  }

  /** Whether every run was submitted, and every submit answered or lost. */
  get isDone(): boolean {
    return this.#left.length === 0 && this.#asking === 0;
  }

  /** Submits more, unless enough is under way. @param ended how many runs have ended. */
  pump(ended: number): void {
    if (this.#left.length === 0 || this.#sent - ended > MOST_UNDER_WAY) return;
    const listening = this.submitters.filter((slot) => this.fleet.listening.includes(slot));
    const first = listening[Math.floor(this.random() * listening.length)];
    if (first === undefined) return;
    const chunk = this.#nextChunk();
    this.#sent += chunk.length;
    void this.#submit(first, chunk, true);
    const second = listening.find((slot) => slot !== first);
    const twice = chunk.filter((run) => run.twice);
    if (second !== undefined && twice.length > 0) void this.#submit(second, twice, false);
  }

  // One whose process is to die comes alone, since its answer is lost with all others.
  #nextChunk(): readonly PlannedRun[] {
    const size = 1 + Math.floor(this.random() * MOST_AT_ONCE);
    const end = this.#left.findIndex(({ within }, index) => index >= size || within === "die");
    return this.#left.splice(0, Math.max(1, end === -1 ? this.#left.length : end));
  }

  async #submit(slot: number, runs: readonly PlannedRun[], isFirst: boolean): Promise<void> {
    this.#asking += 1;
    const answers = await this.fleet.ask(slot, "submit", runs).catch((): readonly SubmitAnswer[] => []);
    this.#asking -= 1;
    const byTag = new Map(answers.map((answer) => [answer.tag, answer]));
    for (const run of runs) {
      const facts = this.#factsOf(run.tag);
      const answer = byTag.get(run.tag);
      if (answer !== undefined && "runId" in answer) facts.answers.push(answer);
      else if (answer === undefined || answer.refused === "store_unavailable") {
        facts.unanswered += 1;
        // Whoever did not get an answer submits again, unless that was a transaction of the host's.
        if (isFirst && run.within === null) this.#left.unshift(run);
      } else if (answer.refused === "executor_stopped" && isFirst && run.within === null) {
        // It was about to stop: another process takes it.
        this.#left.unshift(run);
      } else facts.refused.push(answer.refused);
    }
  }

  #factsOf(tag: string): Facts {
    const known = this.facts.get(tag) ?? { answers: [], unanswered: 0, refused: [] };
    this.facts.set(tag, known);
    return known;
  }
}
