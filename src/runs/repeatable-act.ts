/** An act that runs one at a time: asked for while it runs, it runs once more afterwards, however often it was asked. */
export class RepeatableAct {
  #running: Promise<void> | null = null;
  #again = false;

  /** @param act handles its own failures: what it throws is lost. */
  constructor(private readonly act: () => Promise<void>) {}

  /** Runs the act a moment from now, so that what is asked for in one go is done in one go. */
  ask(): void {
    if (this.#running) this.#again = true;
    else this.#running = this.#run();
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    do {
      await Promise.resolve();
      this.#again = false;
      await this.act().catch(() => undefined);
    } while (this.#again);
    this.#running = null;
  }
}
