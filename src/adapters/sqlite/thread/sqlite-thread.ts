import { Worker } from "node:worker_threads";
import { JobError } from "../../../model/job-error.js";
import { BatchCredit } from "./batch-credit.js";
import workerSource from "./sqlite-worker.ts?worker-source";
import { failureOf, thrownFailure } from "./sqlite-failure.js";
import { StopFlag } from "./stop-flag.js";
import type { ThreadAnswers, ThreadMessage, ThreadReply, ThreadRequest } from "./thread-messages.js";
import type { WireBatch } from "./wire-batch.js";

interface Waiting {
  readonly request: ThreadRequest["do"];
  readonly heard: (rows: WireBatch) => void;
  readonly resolve: (answer: ThreadReply & { answer: unknown }) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker thread, seen from the host's thread. Its end, whatever ends it, rolls back what it had not committed. */
export class SqliteThread {
  /** Raised, it stops what the thread is doing at its next statement; the call is then rejected. */
  readonly stop = new StopFlag();
  /** What its scans may send: without any they wait. */
  readonly credit = new BatchCredit();
  private readonly worker: Worker;
  private readonly waiting: Waiting[] = [];
  private readonly ended: Promise<void>;
  private end: { readonly cause: unknown } | undefined;

  constructor() {
    this.worker = new Worker(workerSource, {
      eval: true,
      workerData: { requireFrom: import.meta.url, stopCell: this.stop.cell, creditCell: this.credit.cell },
      // Not the host's own flags: a loader of TypeScript, say, would run in every thread.
      execArgv: [],
      name: "millrace-sqlite",
    });
    this.worker.unref();
    this.worker.on("message", (message: ThreadMessage) => this.receive(message));
    this.worker.on("error", (error: unknown) => this.fail(error));
    this.ended = new Promise((resolve) => {
      this.worker.once("exit", () => {
        this.fail(undefined);
        resolve();
      });
    });
  }

  /**
   * Rejects with what the worker found wrong, or with `destination_failed` or `query_failed` when the worker itself ended.
   *
   * @param heard takes the rows of a scan.
   */
  call<K extends ThreadRequest["do"]>(
    request: ThreadRequest & { do: K },
    transfer: readonly ArrayBuffer[] = [],
    heard: (rows: WireBatch) => void = () => undefined,
  ): Promise<ThreadAnswers[K]> {
    return new Promise((resolve, reject) => {
      if (this.end) return reject(endedError(request.do, this.end.cause));
      // First, since it throws for what cannot be sent, and then there is no reply to wait for.
      this.worker.postMessage(request, transfer);
      if (this.waiting.length === 0) this.worker.ref();
      this.waiting.push({
        request: request.do,
        heard,
        resolve: ({ answer }) => resolve(answer as ThreadAnswers[K]),
        reject,
      });
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

  private receive(message: ThreadMessage): void {
    if ("rows" in message) this.waiting[0]?.heard(message.rows);
    else this.settleNext(message);
  }

  private settleNext(reply: ThreadReply): void {
    const next = this.waiting.shift();
    if (this.waiting.length === 0) this.worker.unref();
    if ("answer" in reply) next?.resolve(reply);
    else next?.reject(thrownFailure(reply.failure));
  }

  private fail(cause: unknown): void {
    this.end ??= { cause };
    for (const { request, reject } of this.waiting.splice(0)) reject(endedError(request, this.end.cause));
  }
}

function endedError(request: ThreadRequest["do"], cause: unknown): JobError {
  return new JobError(failureOf(request), {
    message: "The thread that works on the SQLite file ended before it was done.",
    hint: "Its cause is attached where there is one; running out of memory is the usual one.",
    ...(cause !== undefined && { cause }),
  });
}
