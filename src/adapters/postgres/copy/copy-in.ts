import type { PooledPostgresClient, PostgresConnection, PostgresSubmittable } from "../driver.js";
import { COPY_BEGIN, COPY_END } from "./row-encoder.js";

/** What a buffer has at least: messages are of about this size. */
const BUFFER_BYTES = (1 << 20) + (1 << 16);

/**
 * `COPY … FROM STDIN (FORMAT binary)` on a client: rows go to the socket as fast as it takes them, two messages at most
 * being on their way. Once it has failed, every call throws the failure.
 */
export class CopyIn implements PostgresSubmittable {
  /** The client puts one here that calls off its own time-out. */
  callback: (() => void) | undefined;
  #connection: PostgresConnection | undefined;
  #failure: { readonly error: Error } | undefined;
  #answered: () => void = () => undefined;
  #tag = "";
  /** The message before the last. */
  #previous: Promise<void> = Promise.resolve();
  readonly #buffers: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];

  constructor(private readonly text: string) {}

  /** Resolves when the server takes rows. */
  async open(client: PooledPostgresClient): Promise<void> {
    client.query(this);
    await this.#answer();
    await this.send(COPY_BEGIN);
  }

  /** A buffer of at least so many bytes, whose last message has left. */
  readonly buffer = (bytes: number): Uint8Array => {
    this.#buffers.reverse();
    if (this.#buffers[0].length < bytes) this.#buffers[0] = Buffer.allocUnsafeSlow(Math.max(bytes, BUFFER_BYTES));
    return this.#buffers[0];
  };

  /** Resolves when the message before this one has left. Gives the event loop a turn each time. */
  async send(message: Uint8Array): Promise<void> {
    this.#throwIfFailed();
    const sent = new Promise<void>((resolve, reject) => {
      this.#connection?.stream.write(message, (error) => (error ? reject(error) : resolve()));
    });
    sent.catch(() => undefined);
    const before = this.#previous;
    this.#previous = sent;
    await before;
    await new Promise((resolve) => setImmediate(resolve));
    this.#throwIfFailed();
  }

  /** Resolves to how many rows the server took. */
  async end(): Promise<number> {
    await this.send(COPY_END);
    this.#connection?.endCopyFrom();
    await this.#answer();
    return Number(this.#tag.split(" ")[1]);
  }

  /** Gives up what was copied: the server answers with a failure of the statement. */
  fail(): void {
    if (!this.#failure && this.#tag === "") this.#connection?.sendCopyFail("given up");
  }

  submit(connection: PostgresConnection): null {
    this.#connection = connection;
    connection.query(this.text);
    return null;
  }

  handleCopyInResponse(): void {
    this.#answered();
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tag = text;
  }

  handleReadyForQuery(): void {
    this.callback?.();
    this.#answered();
  }

  handleError(error: Error): void {
    this.callback?.();
    this.#failure ??= { error };
    this.#answered();
  }

  async #answer(): Promise<void> {
    if (!this.#failure) await new Promise<void>((resolve) => (this.#answered = resolve));
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
