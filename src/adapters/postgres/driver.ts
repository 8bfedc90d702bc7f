/** The part of a `pg` client that the ledger uses. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<PostgresAnswer>;
}

/** A client of a pool. */
export interface PooledPostgresClient extends PostgresClient {
  query(query: PostgresQuery): Promise<PostgresAnswer>;
  query<Q extends PostgresSubmittable>(query: Q): Q;
  /** @param destroy true: the connection is closed instead of being used again. */
  release(destroy?: boolean): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
}

/** The part of a `pg.Pool` that the ledger uses. */
export interface PostgresPool {
  connect(done: (error: Error | undefined, client: PooledPostgresClient | undefined) => void): void;
  /** What the pool makes its clients from; the ledger makes one more, to listen. */
  readonly options: object;
}

/** As `pg` takes it. */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  readonly name?: string;
  readonly types?: { getTypeParser(oid: number): (text: string) => unknown };
  /** In milliseconds. */
  readonly query_timeout?: number;
}

export interface PostgresAnswer {
  readonly rows: unknown[];
  /** The tag of the command: `SELECT`, `COMMIT`, … */
  readonly command: string;
  /** How many rows the command wrote or gave. */
  readonly rowCount: number | null;
}

/** Numbers as numbers: the ledger's whole ones stay below 2^53. All else as text. */
export const LEDGER_TYPES = {
  getTypeParser: (oid: number): ((text: string) => unknown) => PARSERS[oid] ?? ((text) => text),
};

const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === "t",
  20: Number,
  23: Number,
  701: Number,
};

/** A query that speaks to the server itself: the client submits it in its turn, and passes on what is answered. */
export interface PostgresSubmittable {
  submit(connection: PostgresConnection): unknown;
}

/** What lies below a client. */
export interface PostgresConnection {
  readonly stream: PostgresSocket;
  query(text: string): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** The socket, plain or encrypted. */
export interface PostgresSocket {
  write(bytes: Uint8Array, done: (error?: Error | null) => void): boolean;
  listeners(event: "data"): ReturnType<NodeJS.EventEmitter["listeners"]>;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  removeListener(event: "data", listener: (bytes: Buffer) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** A client that hears notifications. */
export interface ListeningClient extends PostgresClient {
  connect(): Promise<unknown>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(
    event: "notification",
    listener: (message: { readonly processId: number; readonly payload?: string | undefined }) => void,
  ): unknown;
}
