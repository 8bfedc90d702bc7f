import { JobError } from "../model/job-error.js";
import type { TableSchema } from "../model/table-schema.js";
import type { Connection, TableListing } from "../ports/connection.js";
import { checkedName, checkedResultOptions } from "../runs/checked-arguments.js";
import { Redactor } from "../runs/redactor.js";
import type { RunServices } from "../runs/run-services.js";
import type { Refusal } from "./lifecycle.js";

/** `signal` ends the asking: what was asked then throws `aborted`. */
export interface TablesOptions {
  readonly signal?: AbortSignal;
}

/**
 * What the connections hold: for a host that shows it, or lets somebody choose.
 *
 * Everything here throws `unknown_connection` for a name that no connection has, `connection_unavailable` where the system
 * does not answer, and `not_started` or `executor_stopped`.
 */
export interface ConnectionTables {
  /**
   * The tables and views that queries can read as `FROM <connection>.<name>`, in order of their names. A name that is no
   * plain word is written in double quotes there, as are its parts before and behind a dot; the name `""` is that of a
   * connection which is itself the table. Throws `not_listable` for a connection that cannot tell.
   */
  list(connection: string, options?: TablesOptions): Promise<readonly TableListing[]>;
  /** The columns of a table, by its name as {@link list} gives it. Null: there is no such table. */
  schema(connection: string, table: string, options?: TablesOptions): Promise<TableSchema | null>;
}

export function connectionTables({ connections }: RunServices, lifecycle: Refusal): ConnectionTables {
  const asked = async <T>(
    name: string,
    options: TablesOptions | undefined,
    ask: (connection: Connection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const { signal = new AbortController().signal } = checkedResultOptions(options);
    const connection = connections.find(checkedName("connection", name));
    if (lifecycle.readRefusal) throw lifecycle.readRefusal;
    if (connection === undefined) throw unknown(name, connections.names);
    try {
      signal.throwIfAborted();
      return await ask(connection, signal);
    } catch (error) {
      throw signal.aborted
        ? calledOff()
        : new Redactor(connections.secrets).hostError(error, UNAVAILABLE, { connection: name });
    }
  };
  return {
    list: (name, options) =>
      asked(name, options, async (connection, signal) => {
        if (connection.listTables === undefined) throw notListable(name, connection);
        const tables = await connection.listTables(signal);
        return [...tables].sort((left, right) => (left.name < right.name ? -1 : 1));
      }),
    schema: (name, table, options) =>
      asked(name, options, async (connection, signal) => {
        return (await connection.source?.(checkedName("table", table))?.schema(signal)) ?? null;
      }),
  };
}

const UNAVAILABLE = { code: "connection_unavailable", hint: "The error is the connection's own." } as const;

function unknown(name: string, names: readonly string[]): JobError<"unknown_connection"> {
  return new JobError("unknown_connection", {
    message: `There is no connection "${name}".`,
    hint: names.length === 0 ? "None are declared." : `Declared are: ${names.join(", ")}.`,
    connection: name,
  });
}

function notListable(name: string, { capabilities }: Connection): JobError<"not_listable"> {
  return new JobError("not_listable", {
    message: `Connection "${name}" (${capabilities.kind}) cannot tell which tables it has.`,
    hint: "Ask for the schema of a table by its name.",
    connection: name,
  });
}

function calledOff(): JobError<"aborted"> {
  return new JobError("aborted", {
    message: "The tables are not asked for any more.",
    hint: "Its signal was aborted.",
  });
}
