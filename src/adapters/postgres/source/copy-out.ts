import type { PooledPostgresClient, PostgresConnection, PostgresSubmittable } from "../driver.js";
import { BufferBin } from "../../arrow/buffer-bin.js";
import { DivertedSocket } from "./diverted-socket.js";

const HEADER_BYTES = 5;
const COPY_OUT = "H".charCodeAt(0);
const COPY_DATA = "d".charCodeAt(0);
const COPY_DONE = "c".charCodeAt(0);
const READY = "Z".charCodeAt(0);
const BINARY = 1;

const NOTHING = Buffer.alloc(0);

/**
 * `COPY … TO STDOUT (FORMAT binary)` on a client. While it lasts it reads the socket itself, takes what is of the copy and
 * passes all else on to the driver, message by message: errors, notices and the end come from there.
 */
export class CopyOut implements PostgresSubmittable {
  /** The client puts one here that calls off its own time-out. */
  callback: (() => void) | undefined;
  #socket: DivertedSocket | undefined;
  #failure: { readonly error: Error } | undefined;
  #tag = "";
  #isBinary = false;
  #isDone = false;
  #isReady = false;
  #wake: () => void = () => undefined;
  #memory: Buffer = NOTHING;
  readonly #bin = new BufferBin();
  /** Begins with a message. */
  #bytes: Buffer = NOTHING;
  #at = 0;

  constructor(private readonly text: string) {}

  /** Starts the statement; rejects when it is refused. */
  async open(client: PooledPostgresClient): Promise<void> {
    client.query(this);
    while (!this.#isBinary) {
      if (this.#isReady) throw new Error("the server copies in another form than was asked for");
      await this.#advance();
    }
  }

  /**
   * The next messages with rows, one behind the other, with their headers; undefined when the server has sent all. They are
   * overwritten by the next ones.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const start = this.#at;
      const end = this.#endOfRows();
      if (end > start) {
        this.#at = end;
        return this.#bytes.subarray(start, end);
      }
      if (this.#isReady) return undefined;
      await this.#advance();
    }
  }

  /** How many rows the server says it has copied; undefined when it has not told, or did not end the copy as it should. */
  get copied(): number | undefined {
    const [, count] = /^COPY (\d+)$/.exec(this.#tag) ?? [];
    return this.#isDone && count !== undefined ? Number(count) : undefined;
  }

  submit(connection: PostgresConnection): null {
    this.#socket = new DivertedSocket(connection.stream, () => this.#wake());
    connection.query(this.text);
    return null;
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tag = text;
  }

  handleReadyForQuery(): void {
    this.callback?.();
  }

  handleError(error: Error): void {
    this.callback?.();
    this.#failure ??= { error };
    this.#wake();
  }

  /** Where the messages with rows end that begin here and are complete. */
  #endOfRows(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at + HEADER_BYTES <= bytes.length && bytes[at] === COPY_DATA) {
      const next = at + 1 + bytes.readUInt32BE(at + 1);
      if (next > bytes.length) break;
      at = next;
    }
    return at;
  }

  /** Takes the next message, which is none with a row, or waits for more bytes. */
  async #advance(): Promise<void> {
    const left = this.#bytes.length - this.#at;
    const needed = left < HEADER_BYTES ? HEADER_BYTES : 1 + this.#bytes.readUInt32BE(this.#at + 1);
    if (left >= needed) return this.#take(this.#bytes.subarray(this.#at, (this.#at += needed)));
    // A value may be far larger than what comes at once: joined once, and not with each piece of it.
    const parts = [this.#bytes.subarray(this.#at)];
    for (let length = left; length < needed;) {
      const bytes = this.#socket?.read();
      if (bytes !== undefined) {
        parts.push(bytes);
        length += bytes.length;
      } else if (this.#failure) throw this.#failure.error;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#join(parts);
  }

  // Into the same memory again and again: what lay there has been taken.
  #join([left, ...received]: readonly Buffer[]): void {
    const length = received.reduce((sum, bytes) => sum + bytes.length, left!.length);
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#memory.length));
      left!.copy(larger);
      this.#memory = larger;
    } else this.#memory.set(left!);
    let at = left!.length;
    for (const bytes of received) {
      this.#memory.set(bytes, at);
      at += bytes.length;
      this.#bin.freeBytes(bytes);
    }
    this.#bytes = this.#memory.subarray(0, length);
    this.#at = 0;
  }

  #take(message: Buffer): void {
    switch (message[0]) {
      case COPY_OUT:
        this.#isBinary = message[HEADER_BYTES] === BINARY;
        return;
      case COPY_DONE:
        this.#isDone = true;
        return;
      default:
        // The driver may keep it.
        this.#socket?.passOn(Buffer.from(message));
        if (message[0] === READY) this.#end();
    }
  }

  #end(): void {
    this.#isReady = true;
    const left = this.#bytes.subarray(this.#at);
    if (left.length > 0) this.#socket?.passOn(Buffer.from(left));
    this.#bytes = NOTHING;
    this.#at = 0;
    this.#socket?.restore();
    if (this.#failure) throw this.#failure.error;
  }
}
