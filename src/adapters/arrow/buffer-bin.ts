import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Data, RecordBatch } from "apache-arrow";
import { JobError } from "../../model/job-error.js";

/**
 * Frees buffers that nobody needs any more at once. The garbage collector, to which they weigh more than all else in a load,
 * would run again and again for nothing but them: a third of the load's processor time, on all cores, and pauses of the host.
 */
export class BufferBin {
  #port: MessagePort | undefined;

  /**
   * The buffers are empty afterwards, as if they had been transferred: that is what happens to them. What cannot be
   * transferred, such as the buffer that Node cuts small Buffers from, is left to the garbage collector.
   *
   * @param buffers none twice.
   */
  free(buffers: readonly ArrayBuffer[]): void {
    this.#port ??= closedPort();
    try {
      this.#port.postMessage(null, buffers);
    } catch {
      // From Node 21 on one such buffer among them is an error, and all of them stay.
    }
  }

  /** Frees what a socket gave, or the like: bytes that have a buffer for themselves. */
  freeBytes({ buffer, byteLength }: Uint8Array): void {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) this.free([buffer]);
  }

  /**
   * Frees what a batch of a row stream is made of, once it has been read: it is the reader's own, but for dictionaries, which
   * the batches of a stream may share.
   *
   * @throws JobError `internal_error` when it was freed before: what was read of it is wrong.
   */
  freeBatch({ data }: RecordBatch): void {
    const own = new Set<ArrayBuffer>();
    collectBuffers(data, own);
    for (const buffer of own) if (isGone(buffer)) throw sharedMemory();
    this.free([...own]);
  }
}

/** What is sent by a closed port is let go. From Node 22 on, `ArrayBuffer.prototype.transfer` does the same. */
function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}

function collectBuffers(data: Data, buffers: Set<ArrayBuffer>): void {
  const views = [data.values, data.valueOffsets, data.nullBitmap] as readonly (ArrayBufferView | null | undefined)[];
  for (const view of views) if (view?.buffer instanceof ArrayBuffer) buffers.add(view.buffer);
  for (const child of data.children) collectBuffers(child, buffers);
}

/** Node 20 has no `detached`, but lets nobody look into such a buffer. */
function isGone(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).length > 0;
  } catch {
    return true;
  }
}

function sharedMemory(): JobError {
  return new JobError("internal_error", {
    message: "The engine gave a batch of rows whose memory it had given away before.",
    hint: "Every batch of a row stream needs buffers of its own: copy what is cut from a larger table.",
  });
}
