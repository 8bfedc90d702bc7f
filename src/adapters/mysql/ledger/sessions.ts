import type { Clock } from "../../../ports/clock.js";
import type { MysqlPool, PooledMysqlConnection } from "../driver.js";
import { LedgerClient } from "./ledger-client.js";

const CONNECT_MS = 10_000;
const ANSWER_MS = 12_000;

/** The largest packet that every server takes that is not set up otherwise. */
const LEAST_PACKET = 1 << 20;

/**
 * What the ledger needs of a session. Waits for locks are counted in seconds. The last is what a paused process may keep
 * others waiting for: then the server closes its connection, and takes back what it had begun.
 */
const SETTINGS = {
  time_zone: "'+00:00'",
  sql_mode: "'STRICT_ALL_TABLES'",
  sql_safe_updates: "0",
  innodb_lock_wait_timeout: "1",
  lock_wait_timeout: "5",
  wait_timeout: "10",
} as const;

const ASSIGNED = Object.entries(SETTINGS).map(([name, value]) => `${name} = ${value}`);
const OWN = `set autocommit = 0, ${ASSIGNED.join(", ")}`;
const KEPT = Object.keys(SETTINGS).map((name) => `@millrace_${name} = @@session.${name}`);
const BORROWED = `set ${[...KEPT, ...ASSIGNED].join(", ")}`;
const GIVEN_BACK = `set ${Object.keys(SETTINGS)
  .map((name) => `${name} = @millrace_${name}`)
  .join(", ")}`;

/** A connection lent out. */
export interface Session {
  readonly client: LedgerClient;
  /**
   * Takes back what is not committed, and gives the connection on. Resolves when both are done, which nobody has to wait
   * for; never rejects.
   */
  release(): Promise<void>;
  /** Closes the connection. */
  destroy(): void;
}

/** The connections of a pool, each set up as the ledger needs it. */
export class Sessions {
  readonly #heard = new WeakSet<PooledMysqlConnection>();
  readonly #ready = new WeakSet<PooledMysqlConnection>();
  #largest = LEAST_PACKET;

  /** @param isHosts whether the host works on these connections too, and is to find them as they were. */
  constructor(
    private readonly pool: MysqlPool,
    private readonly isHosts: boolean,
    private readonly clock: Clock,
  ) {}

  /** How many bytes the server takes in one packet. */
  set largest(bytes: number) {
    this.#largest = bytes;
  }

  get largest(): number {
    return this.#largest;
  }

  /** A connection in a transaction of its own, of READ COMMITTED: a statement sees what was committed before it. */
  async acquire(): Promise<Session> {
    const connection = await this.#connect();
    const client = new LedgerClient(connection, this.#largest, ANSWER_MS);
    const destroy = (): void => {
      connection.destroy();
      // The driver only says goodbye, and waits for the other side to do so too.
      connection.stream?.destroy();
    };
    try {
      if (this.isHosts) {
        await client.say(BORROWED);
        await client.say("set transaction isolation level read committed");
        await client.say("start transaction");
      } else if (!this.#ready.has(connection)) {
        await client.say("set session transaction isolation level read committed");
        await client.say(OWN);
        this.#ready.add(connection);
      }
    } catch (error) {
      destroy();
      throw error;
    }
    const leave = async (): Promise<void> => {
      const rolledBack = client.say("rollback");
      if (this.isHosts) {
        await rolledBack;
        await client.say(GIVEN_BACK);
      }
      // What the next one asks for waits behind it.
      connection.release();
      await rolledBack;
    };
    return { client, destroy, release: () => leave().catch(destroy) };
  }

  // The host's pool may wait for ever.
  #connect(): Promise<PooledMysqlConnection> {
    return new Promise((resolve, reject) => {
      let late = false;
      const callOff = this.clock.after(CONNECT_MS, () => {
        late = true;
        reject(Object.assign(new Error(`no connection was free within ${CONNECT_MS} ms`), { code: "ETIMEDOUT" }));
      });
      this.pool.getConnection((error, connection) => {
        callOff();
        if (!connection) return reject(error ?? new Error("the pool gave no connection"));
        if (late) return connection.release();
        // A pool listens to the first of them only; a connection that breaks unheard would end the process.
        if (!this.#heard.has(connection)) connection.on("error", ignore);
        this.#heard.add(connection);
        resolve(connection);
      });
    });
  }
}

// Whoever asked for something is told by its own rejection.
function ignore(): undefined {
  return undefined;
}
