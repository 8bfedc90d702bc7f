import { Worker } from "node:worker_threads";
import { JobError } from "../../../model/job-error.js";
import workerSource from "./load-worker.ts?worker-source";
import { thrownFailure } from "./sqlite-failure.js";
import { StopFlag } from "./stop-flag.js";
import type { ThreadAnswers, ThreadReply, ThreadRequest } from "./thread-messages.js";

interface Waiting {
  readonly resolve: (answer: ThreadReply & { answer: unknown }) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker thread, seen from the host's thread. Its end, whatever ends it, rolls back what it had not committed. */
export class SqliteThread {
  /** Raised, it stops what the thread is doing at its next statement; the call is then rejected. */
  readonly stop = new StopFlag();
  private readonly worker: Worker;
  private readonly waiting: Waiting[] = [];
  private readonly ended: Promise<void>;
  private end: JobError | undefined;

  constructor() {
    this.worker = new Worker(workerSource, {
      eval: true,
      workerData: { requireFrom: import.meta.url, stopCell: this.stop.cell },
      // Not the host's own flags: a loader of TypeScript, say, would run in every thread.
      execArgv: [],
      name: "millrace-sqlite",
    });
    this.worker.unref();
    this.worker.on("message", (reply: ThreadReply) => this.settleNext(reply));
    this.worker.on("error", (error: unknown) => this.fail(error));
    this.ended = new Promise((resolve) => {
      this.worker.once("exit", () => {
        this.fail(undefined);
        resolve();
      });
    });
  }

  /** Rejects with what the worker found wrong, or with `destination_failed` when the worker itself ended. */
  call<K extends ThreadRequest["do"]>(
    request: ThreadRequest & { do: K },
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ThreadAnswers[K]> {
    return new Promise((resolve, reject) => {
      if (this.end) return reject(this.end);
      // First, since it throws for what cannot be sent, and then there is no reply to wait for.
      this.worker.postMessage(request, transfer);
      if (this.waiting.length === 0) this.worker.ref();
      this.waiting.push({ resolve: ({ answer }) => resolve(answer as ThreadAnswers[K]), reject });
    });
  }

  get hasEnded(): boolean {
    return this.end !== undefined;
  }

  /** Only while no call is under way; the flag says why. Resolves when the locks of an open transaction are free. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
    await this.ended;
  }

  private settleNext(reply: ThreadReply): void {
    const next = this.waiting.shift();
    if (this.waiting.length === 0) this.worker.unref();
    if ("answer" in reply) next?.resolve(reply);
    else next?.reject(thrownFailure(reply.failure));
  }

  private fail(cause: unknown): void {
    this.end ??= new JobError("destination_failed", {
      message: "The thread that writes to SQLite ended before it was done.",
      hint: "Its cause is attached where there is one; running out of memory is the usual one.",
      ...(cause !== undefined && { cause }),
    });
    for (const { reject } of this.waiting.splice(0)) reject(this.end);
  }
}
