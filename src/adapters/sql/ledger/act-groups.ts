/** Something that was asked for and is to be answered. */
export interface Act {
  reject(error: unknown): void;
}

/**
 * Gathers what is asked for while groups are under way into the next one, in the order of asking: many acts, one
 * transaction. Acts on the same thing never are in two groups at once.
 */
export class ActGroups<A extends Act> {
  #waiting: A[] = [];
  readonly #working = new Set<Promise<void>>();
  readonly #busy = new Set<string>();
  #starting = false;
  /** How many acts make a further group while others are under way. */
  #enough = 1;

  /**
   * @param carryOut answers every act of a group; when it rejects, those that it left unanswered are rejected.
   * @param largest how many acts a group holds.
   * @param sideBySide how many groups may be under way at once.
   * @param thing names what an act is on.
   */
  constructor(
    private readonly carryOut: (acts: readonly A[]) => Promise<void>,
    private readonly largest: number,
    private readonly sideBySide = 1,
    private readonly thing: (act: A) => string = () => "",
  ) {}

  ask(act: A): void {
    this.#waiting.push(act);
    if (this.#starting) return;
    this.#starting = true;
    // What is asked for in the same go belongs to one group.
    void Promise.resolve().then(() => {
      this.#starting = false;
      this.#start();
    });
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#starting || this.#working.size > 0) {
      await Promise.resolve();
      await Promise.all(this.#working);
    }
  }

  #start(): void {
    if (this.#working.size >= this.sideBySide) return;
    // Under load groups grow, since each has its price; whoever is alone is not kept waiting.
    if (this.#working.size > 0 && this.#waiting.length < this.#enough) return;
    const group = this.#take();
    if (group.length === 0) return;
    this.#enough = Math.min(this.largest, 2 * group.length);
    const things = new Set(group.map(this.thing));
    for (const thing of things) this.#busy.add(thing);
    const work = this.#work(group).then(() => {
      for (const thing of things) this.#busy.delete(thing);
      this.#working.delete(work);
      this.#start();
    });
    this.#working.add(work);
  }

  #take(): readonly A[] {
    const group: A[] = [];
    const rest: A[] = [];
    for (const act of this.#waiting) {
      (group.length < this.largest && !this.#busy.has(this.thing(act)) ? group : rest).push(act);
    }
    this.#waiting = rest;
    return group;
  }

  async #work(group: readonly A[]): Promise<void> {
    try {
      await this.carryOut(group);
    } catch (error) {
      for (const act of group) act.reject(error);
    }
  }
}
