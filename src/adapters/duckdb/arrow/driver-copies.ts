import duckdb, { type Vector } from "@duckdb/node-bindings";
import { BufferBin } from "../../arrow/buffer-bin.js";

/** So much of what was read for a moment may wait to be freed: a call for each would cost more than it saves. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** Reads DuckDB's memory. The driver hands out copies, in buffers of their own, as large as all that is read: they are freed here. */
export class DriverCopies {
  readonly #bin = new BufferBin();
  #ofChunk: ArrayBuffer[] = [];
  #waiting: ArrayBuffer[] = [];
  #waitingBytes = 0;

  /** The first bytes of a vector. They last until the next {@link free}. */
  ofVector(vector: Vector, byteLength: number): Uint8Array<ArrayBuffer> {
    const bytes = duckdb.vector_get_data(vector, byteLength) as Uint8Array<ArrayBuffer>;
    if (byteLength > 0) this.#ofChunk.push(bytes.buffer);
    return bytes;
  }

  /** The bytes that a pointer points to, which lies in a vector's. They last until something else is read. */
  ofPointer(vector: ArrayBuffer, pointerAt: number, byteLength: number): Uint8Array {
    if (this.#waitingBytes >= MOST_WAITING_BYTES) this.#freeWaiting();
    const bytes = duckdb.get_data_from_pointer(vector, pointerAt, byteLength) as Uint8Array<ArrayBuffer>;
    this.#waiting.push(bytes.buffer);
    this.#waitingBytes += byteLength;
    return bytes;
  }

  /** Frees what was read of one chunk. */
  free(): void {
    this.#freeWaiting();
    if (this.#ofChunk.length > 0) this.#bin.free(this.#ofChunk);
    this.#ofChunk = [];
  }

  #freeWaiting(): void {
    if (this.#waiting.length > 0) this.#bin.free(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
