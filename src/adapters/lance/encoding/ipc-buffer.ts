/// <reference lib="es2024.arraybuffer" />
import { AsyncByteQueue } from "apache-arrow";
import { commitTooLarge } from "../lance-failure.js";

const FIRST_BYTES = 64 * 1024;
/** Each growth makes the garbage collector look around, so there are few. */
const GROWTH = 16;
/** What was never used takes time to give back: V8 writes zeros over it first. */
const MOST_GROWTH_BYTES = 64 * 1024 * 1024;
/** V8 and the system take 2 to 4 ms to take back so much. */
const RELEASED_BYTES = 8 * 1024 * 1024;

/**
 * The bytes of one commit in one piece, as Lance's binding wants them. It grows in place: nothing is copied while the host
 * waits, and the system gives memory for a page when that is first written. An ordinary buffer as large as the limit would
 * weigh as much to the garbage collector, which would stop the host to look for memory.
 */
export class IpcBuffer extends AsyncByteQueue<Uint8Array> {
  readonly #room: ArrayBuffer;
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(private readonly maxBytes: number) {
    super();
    this.#room = new ArrayBuffer(Math.min(FIRST_BYTES, maxBytes), { maxByteLength: maxBytes });
    this.#bytes = new Uint8Array(this.#room);
  }

  get byteLength(): number {
    return this.#length;
  }

  /** @throws JobError `destination_failed` beyond the limit. */
  override write(chunk: Uint8Array): void {
    const end = this.#length + chunk.byteLength;
    if (end > this.maxBytes) throw commitTooLarge(this.maxBytes);
    if (end > this.#room.byteLength) {
      const room = this.#room.byteLength;
      const wanted = Math.max(end, Math.min(GROWTH * room, room + MOST_GROWTH_BYTES));
      this.#room.resize(Math.min(wanted, this.maxBytes));
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = end;
  }

  /** All bytes, not copied: they last until {@link release}. */
  taken(): Buffer {
    return Buffer.from(this.#room, 0, this.#length);
  }

  /** Gives the memory back, while the event loop turns: the garbage collector does not see how much it is. */
  async release(): Promise<void> {
    this.#length = 0;
    while (this.#room.byteLength > 0) {
      this.#room.resize(Math.max(0, this.#room.byteLength - RELEASED_BYTES));
      await new Promise(setImmediate);
    }
  }
}
