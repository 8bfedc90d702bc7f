import type { PostgresSocket } from "../driver.js";

/** So much may lie here before the socket is held back; what is decoded in one go is no more than this. */
const MOST_BYTES = 1 << 18;

type Listener = (bytes: Buffer) => void;

/**
 * What a socket receives, taken from the driver, which would make an object of every row, and asked for piece by piece: who
 * asks slowly holds the server back.
 */
export class DivertedSocket {
  readonly #socket: PostgresSocket;
  readonly #driver: readonly Listener[];
  #received: Buffer[] = [];
  #bytes = 0;
  #isPaused = false;

  /** @param onReceived called when something has come. */
  constructor(
    socket: PostgresSocket,
    private readonly onReceived: () => void,
  ) {
    this.#socket = socket;
    this.#driver = socket.listeners("data") as Listener[];
    socket.on("data", this.#take);
    for (const listener of this.#driver) socket.removeListener("data", listener);
  }

  /** The next bytes; undefined: none have come yet. */
  read(): Buffer | undefined {
    const bytes = this.#received.shift();
    this.#bytes -= bytes?.length ?? 0;
    if (this.#isPaused && this.#bytes < MOST_BYTES) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    return bytes;
  }

  /** Gives whole messages to the driver. */
  passOn(bytes: Buffer): void {
    for (const listener of this.#driver) listener(bytes);
  }

  /** Gives the socket back to the driver, and with it what has come and was not read. */
  restore(): void {
    for (const listener of this.#driver) this.#socket.on("data", listener);
    this.#socket.removeListener("data", this.#take);
    for (const bytes of this.#received) this.passOn(bytes);
    this.#received = [];
    this.#socket.resume();
  }

  readonly #take = (bytes: Buffer): void => {
    this.#received.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= MOST_BYTES) {
      this.#isPaused = true;
      this.#socket.pause();
    }
    this.onReceived();
  };
}
