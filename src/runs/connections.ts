import { JobError } from "../model/job-error.js";
import type { WriteMode } from "../model/write-mode.js";
import type { Connection } from "../ports/connection.js";
import type { JobDestination } from "../ports/job-destination.js";

/** Where a job writes: the destination, and by which connection it was found. */
export interface ResolvedDestination {
  readonly connection: string;
  readonly table: string;
  readonly destination: JobDestination;
}

/** The connections of one executor, by name, ignoring case. */
export class Connections {
  readonly #byName: ReadonlyMap<string, { readonly name: string; readonly connection: Connection }>;

  /** In lower case and in order, as runs name what they need. */
  readonly names: readonly string[];

  constructor(readonly all: ReadonlyMap<string, Connection>) {
    this.#byName = new Map([...all].map(([name, connection]) => [name.toLowerCase(), { name, connection }]));
    this.names = [...this.#byName.keys()].sort();
  }

  /** What must not appear in any text. */
  get secrets(): readonly string[] {
    return [...this.all.values()].flatMap(({ secrets }) => secrets ?? []);
  }

  find(name: string): Connection | undefined {
    return this.#byName.get(name.toLowerCase())?.connection;
  }

  /**
   * Finds a destination by the first dotted segment of its table, and checks that it can be written in this mode.
   *
   * @throws JobError `destination_resolution_failed`, `destination_missing`, `non_transactional_destination`,
   *   `destination_read_only` or `unsupported_write_mode`.
   */
  destination(table: string, mode: WriteMode): ResolvedDestination {
    const [root, rest] = splitRoot(table);
    const found = this.#byName.get(root.toLowerCase());
    if (!found) throw this.#unknownRoot(table, root, rest);
    const { name, connection } = found;
    const { kind, write, writeHint } = connection.capabilities;
    if (write === "none") {
      throw new JobError("non_transactional_destination", {
        message: `Connection "${name}" (${kind}) cannot commit all or nothing, so "${table}" cannot be a destination.`,
        hint: writeHint ?? "Write to a database, a lake or memory() instead.",
        table,
        connection: name,
      });
    }
    if (write === "read_only") {
      throw new JobError("destination_read_only", {
        message: `Connection "${name}" (${kind}) is open for reading only, so "${table}" cannot be a destination.`,
        hint: writeHint ?? 'Open the connection with access: "read_write".',
        table,
        connection: name,
      });
    }
    const destination = connection.destination?.(rest);
    if (!destination) throw unresolvable(table, name, rest);
    if (!destination.capabilities.modes.includes(mode.kind)) {
      throw new JobError("unsupported_write_mode", {
        message: `Destination "${table}" (${kind}) does not keep the write mode "${mode.kind}".`,
        hint: `Use one of: ${destination.capabilities.modes.join(", ")}.`,
        table,
        mode: mode.kind,
      });
    }
    return { connection: name, table, destination };
  }

  #unknownRoot(table: string, root: string, rest: string): JobError {
    const known = this.all.size === 0 ? "none are declared" : `declared are: ${[...this.all.keys()].sort().join(", ")}`;
    if (rest === "") {
      return new JobError("destination_missing", {
        message: `Destination "${table}" does not exist: it names neither a connection nor a table of one (${known}).`,
        hint: `Name the table behind its connection, as in "<connection>.${root}", and create it with your database's DDL, or in a lake with createIfMissing.`,
        table,
      });
    }
    return new JobError("destination_resolution_failed", {
      message: `Destination "${table}" cannot be resolved: there is no connection "${root}" (${known}).`,
      hint: "Check the spelling of the first segment, or add the connection to the executor's connections.",
      table,
    });
  }
}

function unresolvable(table: string, name: string, rest: string): JobError {
  return new JobError("destination_resolution_failed", {
    message:
      rest === ""
        ? `Destination "${table}" names a connection, but no table of it.`
        : `Connection "${name}" cannot write to a table named "${rest}".`,
    hint: `Name a table, as in "${name}.<table>".`,
    table,
  });
}

/** The connection that a table name begins with, in lower case: names of connections ignore case. */
export function connectionRoot(table: string): string {
  return splitRoot(table)[0].toLowerCase();
}

function splitRoot(table: string): readonly [root: string, rest: string] {
  const dot = table.indexOf(".");
  return dot < 0 ? [table, ""] : [table.slice(0, dot), table.slice(dot + 1)];
}
