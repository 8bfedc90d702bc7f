import { AsyncByteQueue } from "apache-arrow";
import { commitTooLarge } from "../lance-failure.js";

/** Up to here growing by copying takes under 5 ms, and small commits do not reserve what they will not use. */
const LARGEST_COPY_BYTES = 16 * 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

/**
 * The bytes of one commit in one piece, as Lance's binding wants them. Beyond the first megabytes the whole limit is
 * reserved at once: the system gives memory for a page when that is first written, so that what stays unused costs
 * nothing, and nothing is copied while the host waits.
 */
export class IpcBuffer extends AsyncByteQueue<Uint8Array> {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  constructor(private readonly maxBytes: number) {
    super();
  }

  get byteLength(): number {
    return this.#length;
  }

  /** @throws JobError `destination_failed` beyond the limit. */
  override write(chunk: Uint8Array): void {
    const end = this.#length + chunk.byteLength;
    if (end > this.maxBytes) throw commitTooLarge(this.maxBytes);
    if (end > this.#bytes.byteLength) this.#grow(end);
    this.#bytes.set(chunk, this.#length);
    this.#length = end;
  }

  /** All bytes, not copied. */
  taken(): Buffer {
    return Buffer.from(this.#bytes.buffer, 0, this.#length);
  }

  #grow(needed: number): void {
    const doubled = Math.max(needed, 2 * this.#bytes.byteLength);
    const grown = new Uint8Array(doubled > LARGEST_COPY_BYTES ? this.maxBytes : Math.min(doubled, this.maxBytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
