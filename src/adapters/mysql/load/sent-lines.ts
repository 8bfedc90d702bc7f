import { Readable } from "node:stream";

/**
 * Lines on their way to the server, as the driver takes them: one chunk is taken at a time, and the next when that one has
 * been copied to the socket.
 */
export class SentLines extends Readable {
  #wanted: () => void = () => undefined;

  constructor() {
    super({ highWaterMark: 1 });
  }

  /** Resolves when the bytes may be used again. */
  async send(bytes: Uint8Array): Promise<void> {
    const taken = new Promise<void>((resolve) => (this.#wanted = resolve));
    if (!this.push(bytes)) await taken;
  }

  /** What was sent is all. */
  finish(): void {
    this.push(null);
  }

  override _read(): void {
    this.#wanted();
  }
}
