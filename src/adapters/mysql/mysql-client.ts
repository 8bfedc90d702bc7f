import type { Readable } from "node:stream";
import type { MysqlConnection, MysqlQuery, MysqlValue } from "./driver.js";

/** What a statement gives: rows, or what it did. */
export interface MysqlAnswer {
  /** Integers of 64 bits, decimals and times as text, bytes as buffers. */
  readonly rows: readonly unknown[];
  /** How many rows were written; of an update, as a rule, how many were found. */
  readonly affectedRows: number;
  /** What the server says of a write that has much to tell: numbers of records and of warnings, with words between them. */
  readonly info: string;
}

export interface AskOptions {
  readonly values?: readonly MysqlValue[];
  /** After so many milliseconds without an answer the connection is given up. Default: never. */
  readonly timeoutMs?: number;
  /** For `LOAD DATA LOCAL`. */
  readonly infile?: Readable;
}

export type TextRow = Readonly<Record<string, string | null>>;

/** Runs one statement with its values bound; gives its rows as text. */
export type Ask = (text: string, ...values: readonly MysqlValue[]) => Promise<readonly TextRow[]>;

/** The server's part of a connection. */
export interface ServerThread {
  readonly id: number;
  /** The server, as it calls itself: behind a proxy the same address may be answered by another. */
  readonly host: string;
  readonly port: string;
}

/** One connection, by promises which also settle when it is given up: the driver's callbacks do not. */
export class MysqlClient {
  #end: { readonly error: Error } | undefined;
  readonly #pending = new Set<(error: Error) => void>();

  constructor(private readonly connection: MysqlConnection) {
    connection.on("error", ignore);
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Whether an answer is still to come. */
  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  /** One statement: with values as a prepared one, without as text. */
  ask(text: string, { values = [], timeoutMs, infile }: AskOptions = {}): Promise<MysqlAnswer> {
    const query: MysqlQuery = {
      ...PLAINLY,
      sql: text,
      ...(values.length > 0 && { values: [...values] }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
      ...(infile && { infileStreamFactory: () => infile }),
    };
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end.error);
      this.#pending.add(reject);
      const done = (error: Error | null, answer?: unknown): void => {
        this.#pending.delete(reject);
        if (error) reject(error);
        else resolve(answerOf(answer));
        // Its answer may come yet, and would be taken for that of the next statement.
        if (isTimeOut(error)) this.destroy(error);
      };
      if (values.length > 0) this.connection.execute(query, done);
      else this.connection.query(query, done);
    });
  }

  readonly rows: Ask = async (text, ...values) => {
    const { rows } = await this.ask(text, { values });
    return rows.map((row) => textRow(row as Readonly<Record<string, PlainValue>>));
  };

  /** Who answers at the other side. */
  async thread(): Promise<ServerThread> {
    const [own] = await this.rows("select connection_id() as id, @@hostname as host, @@port as port");
    return { id: Number(own?.["id"]), host: own?.["host"] ?? "", port: own?.["port"] ?? "" };
  }

  /** Does something with the connection itself. */
  during<T>(act: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end.error);
      this.#pending.add(reject);
      const done = (): boolean => this.#pending.delete(reject);
      act(this.connection).finally(done).then(resolve, reject);
    });
  }

  /** Leaves the connection to others. */
  protected letGo(): void {
    this.connection.removeListener("error", ignore);
  }

  /** Closes the connection at once. The server may go on with a statement that it has begun. */
  destroy(error: Error = new Error("the connection was closed")): void {
    this.#end ??= { error };
    this.connection.destroy();
    // The driver only says goodbye, and waits for the other side to do so too.
    this.connection.stream?.destroy();
    for (const reject of this.#pending) reject(this.#end.error);
    this.#pending.clear();
  }
}

/** Whoever asked for something is told by its own rejection; unheard, the event would end the process. */
function ignore(): undefined {
  return undefined;
}

const PLAINLY = {
  rowsAsArray: false,
  nestTables: false,
  namedPlaceholders: false,
  typeCast: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
} as const;

function answerOf(answer: unknown): MysqlAnswer {
  if (Array.isArray(answer)) return { rows: answer, affectedRows: 0, info: "" };
  const { affectedRows = 0, info = "" } = (answer ?? {}) as { affectedRows?: number | string; info?: string };
  return { rows: [], affectedRows: Number(affectedRows), info };
}

/** What the driver gives for a value when it is asked {@link PLAINLY}. */
type PlainValue = string | number | bigint | Buffer | null;

function textRow(row: Readonly<Record<string, PlainValue>>): TextRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)]));
}

function textOf(value: PlainValue): string | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? value.toString("utf8") : String(value);
}

function isTimeOut(error: Error | null): error is Error {
  return error !== null && "code" in error && error.code === "PROTOCOL_SEQUENCE_TIMEOUT";
}
