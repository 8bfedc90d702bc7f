import { JobError } from "../model/job-error.js";

/** Why something is not done now; null: it is. */
export interface Refusal {
  /** Taking something new. */
  readonly refusal: JobError<"not_started" | "executor_stopped" | "work_only"> | null;
  /** Anything at all. */
  readonly useRefusal: JobError<"not_started" | "executor_stopped"> | null;
  /** Reading what is there. */
  readonly readRefusal: JobError<"not_started" | "executor_stopped"> | null;
}

/**
 * Starts once and stops once: calls share what is under way, a stop waits for a start, and a start that failed may be
 * tried again.
 */
export class Lifecycle<Started, Stopped, StopOptions> implements Refusal {
  #starting: Promise<Started> | null = null;
  #stopping: Promise<Stopped> | null = null;
  #ready = false;
  #closed = false;

  /** @param takes whether it takes anything new at all. */
  constructor(
    private readonly open: () => Promise<Started>,
    private readonly close: (options: StopOptions) => Promise<Stopped>,
    private readonly takes: boolean,
  ) {}

  start(): Promise<Started> {
    if (this.#stopping) return Promise.reject(stopped());
    this.#starting ??= this.open().then(
      (started) => {
        this.#ready = true;
        return started;
      },
      (error: unknown) => {
        this.#starting = null;
        throw error;
      },
    );
    return this.#starting;
  }

  stop(options: StopOptions): Promise<Stopped> {
    this.#stopping ??= Promise.resolve(this.#starting)
      .catch(() => undefined)
      .then(() => this.close(options))
      .finally(() => {
        this.#closed = true;
      });
    return this.#stopping;
  }

  /** Why it takes nothing new now; null when it runs and is made for it. */
  get refusal(): Refusal["refusal"] {
    return this.takes ? this.useRefusal : workOnly();
  }

  /** Why it does nothing now; null when it runs. */
  get useRefusal(): Refusal["useRefusal"] {
    return this.#stopping ? stopped() : this.#readiness();
  }

  /** Why what is there cannot be read any more; null while it runs and while it stops. */
  get readRefusal(): Refusal["readRefusal"] {
    return this.#closed ? stopped() : this.#readiness();
  }

  /** @throws JobError `not_started`, `executor_stopped`. */
  mustBeReadable(): void {
    const { readRefusal } = this;
    if (readRefusal) throw readRefusal;
  }

  #readiness(): JobError<"not_started"> | null {
    if (this.#ready) return null;
    return new JobError("not_started", {
      message: "The executor has not been started.",
      hint: "Await executor.start() first.",
    });
  }
}

function stopped(): JobError<"executor_stopped"> {
  return new JobError("executor_stopped", {
    message: "The executor is stopping or has stopped.",
    hint: "Make a new executor; a stopped one does not start again.",
  });
}

function workOnly(): JobError<"work_only"> {
  return new JobError("work_only", {
    message: "This executor works on runs and takes none.",
    hint: 'Submit from an executor whose role is "both" or "submit".',
  });
}
