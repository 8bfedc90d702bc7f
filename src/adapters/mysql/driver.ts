import type { Readable } from "node:stream";

/** The part of a `mysql2` connection that Millrace uses. */
export interface MysqlConnection {
  /** The socket, or what TLS made of it; the driver's own types do not tell of it. */
  readonly stream?: { destroy(): unknown; pause(): unknown; resume(): unknown };
  /** As text. */
  query(query: MysqlQuery, done: MysqlCallback): unknown;
  /** As a prepared statement, with its values bound by the server. */
  execute(query: MysqlQuery | RawQuery, done: MysqlCallback): unknown;
  /** Lets go of the statement that was prepared for a {@link RawQuery} of this text. */
  unprepare(text: string): unknown;
  /** What has not been answered then never is. */
  destroy(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
}

/** A connection of a pool. */
export interface PooledMysqlConnection extends MysqlConnection {
  release(): void;
}

/** The part of a `mysql2` pool that Millrace uses. */
export interface MysqlPool {
  getConnection(done: (error: Error | null, connection?: PooledMysqlConnection) => void): void;
  end(done: (error?: unknown) => void): void;
}

/** As `mysql2` takes it. Whatever a host's configuration may say of how answers are read is said here again. */
export interface MysqlQuery {
  readonly sql: string;
  readonly values?: MysqlValue[];
  /** How long the answer may take, in milliseconds. */
  readonly timeout?: number;
  readonly rowsAsArray: false;
  readonly nestTables: false;
  readonly namedPlaceholders: false;
  readonly typeCast: true;
  readonly supportBigNumbers: true;
  readonly bigNumberStrings: true;
  readonly dateStrings: true;
  /** Where the rows of a `LOAD DATA LOCAL` come from; without, the server gets none, whatever it asks for. */
  readonly infileStreamFactory?: () => Readable;
}

/** One whose rows the driver does not read. */
export interface RawQuery {
  readonly sql: string;
  readonly values: MysqlValue[];
}

/** A number is bound as a float of 64 bits. */
export type MysqlValue = string | number | bigint | Uint8Array | null;

export type MysqlCallback = (error: Error | null, answer?: unknown) => void;
