import type { MysqlAnswer, MysqlClient } from "../mysql-client.js";
import { SentLines } from "./sent-lines.js";

/** Larger pieces are hardly faster. */
const PIECE_BYTES = 256 << 10;
/** What frames a piece, with some to spare. */
const FRAME_BYTES = 64;

/** What became of the lines of one statement. */
export interface LoadAnswer {
  readonly records: number;
  readonly skipped: number;
  readonly warnings: number;
}

/** `LOAD DATA LOCAL`: lines go to the socket as fast as it takes them. Once it has failed, every call throws the failure. */
export class LoadIn {
  readonly #lines = new SentLines();
  readonly #answer: Promise<MysqlAnswer>;
  readonly #failed: Promise<never>;

  /** @param mostBytes the server takes in one packet. */
  constructor(
    client: MysqlClient,
    text: string,
    private readonly mostBytes: number,
  ) {
    this.#answer = client.ask(text, { infile: this.#lines });
    this.#failed = this.#answer.then(() => {
      throw new Error("the server took no more rows");
    });
    this.#failed.catch(() => undefined);
  }

  /** Resolves when the bytes may be used again. Gives the event loop a turn each time. */
  async send(lines: Uint8Array): Promise<void> {
    const piece = Math.min(PIECE_BYTES, Math.max(1, this.mostBytes - FRAME_BYTES));
    for (let from = 0; from < lines.length; from += piece) {
      await Promise.race([this.#lines.send(lines.subarray(from, from + piece)), this.#failed]);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async end(): Promise<LoadAnswer> {
    this.#lines.finish();
    const { info } = await this.#answer;
    // Records, deleted, skipped, warnings: the words between are in the server's language.
    const [records, , skipped, warnings] = (info.match(/\d+/g) ?? []).map(Number);
    if (records === undefined || skipped === undefined || warnings === undefined) {
      throw new Error("the server does not tell what became of the rows");
    }
    return { records, skipped, warnings };
  }
}
