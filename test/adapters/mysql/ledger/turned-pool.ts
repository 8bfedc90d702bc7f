import type { FieldPacket, Pool, PoolConnection, QueryError, QueryResult } from "mysql2";
import { overlaid } from "../../../support/overlaid.js";

export interface Asked {
  readonly sql: string;
}

export type Answered = (error: QueryError | null, answer: QueryResult, fields: FieldPacket[]) => void;

/** How a connection runs a statement instead. */
export type Turn = (connection: PoolConnection, asked: Asked, done: Answered) => void;

/** A connection that runs its prepared statements as a test wants it, and those without values. */
export function turnedConnection(connection: PoolConnection, turn: Turn, turnSaid: Turn = plainly): PoolConnection {
  const execute = (asked: Asked, done: Answered): void => turn(connection, asked, done);
  const query = (asked: Asked, done: Answered): void => turnSaid(connection, asked, done);
  return overlaid(connection, {
    execute: execute as unknown as PoolConnection["execute"],
    query: query as unknown as PoolConnection["query"],
  });
}

const plainly: Turn = (connection, asked, done) => void connection.query(asked, done);

/** A pool of such connections. */
export function turnedPool(pool: Pool, turn: Turn, turnSaid?: Turn): Pool {
  const turned = new WeakMap<PoolConnection, PoolConnection>();
  const getConnection: Pool["getConnection"] = (done) =>
    pool.getConnection((error, connection) => {
      // The driver gives none with an error.
      if (error) return done(error, connection);
      const known = turned.get(connection) ?? turnedConnection(connection, turn, turnSaid);
      turned.set(connection, known);
      return done(null, known);
    });
  return overlaid(pool, { getConnection });
}
