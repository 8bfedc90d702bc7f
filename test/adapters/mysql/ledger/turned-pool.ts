import type { FieldPacket, Pool, PoolConnection, QueryError, QueryResult } from "mysql2";
import { overlaid } from "../../../support/overlaid.js";

export interface Asked {
  readonly sql: string;
}

export type Answered = (error: QueryError | null, answer: QueryResult, fields: FieldPacket[]) => void;

/** How a connection runs a prepared statement instead. */
export type Turn = (connection: PoolConnection, asked: Asked, done: Answered) => void;

/** A connection that runs its prepared statements as a test wants it. */
export function turnedConnection(connection: PoolConnection, turn: Turn): PoolConnection {
  const execute = (asked: Asked, done: Answered): void => turn(connection, asked, done);
  return overlaid(connection, { execute: execute as unknown as PoolConnection["execute"] });
}

/** A pool of such connections. */
export function turnedPool(pool: Pool, turn: Turn): Pool {
  const turned = new WeakMap<PoolConnection, PoolConnection>();
  const getConnection: Pool["getConnection"] = (done) =>
    pool.getConnection((error, connection) => {
      // The driver gives none with an error.
      if (error) return done(error, connection);
      const known = turned.get(connection) ?? turnedConnection(connection, turn);
      turned.set(connection, known);
      return done(null, known);
    });
  return overlaid(pool, { getConnection });
}
