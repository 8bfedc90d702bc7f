import { canBeName, quotedName } from "../quoted-name.js";
import type { TableName } from "../table-shape.js";
import { type OwnTables, ownTables } from "./own-tables.js";

/** One table of a connection, and what is kept beside it. */
export interface TablePlace extends TableName {
  /** As the job names it. */
  readonly label: string;
  /** Quoted, with its database, as SQL text. */
  readonly name: string;
  readonly own: OwnTables;
}

const OWN_PREFIX = "_millrace_";
const SYSTEM_DATABASE = /^(mysql|information_schema|performance_schema|sys)$/i;

/**
 * The place of a table by its name in a job: `orders`, or `sales.orders` with its database. Undefined for a name that
 * MySQL or Millrace keep for themselves, or that is longer than 64 characters.
 */
export function tablePlace(label: string, ownDatabase: string): TablePlace | undefined {
  const dot = label.indexOf(".");
  const [database, table] = dot < 0 ? [ownDatabase, label] : [label.slice(0, dot), label.slice(dot + 1)];
  if (!canBeName(table) || table.startsWith(OWN_PREFIX)) return undefined;
  if (!canBeName(database) || SYSTEM_DATABASE.test(database)) return undefined;
  const name = `${quotedName(database)}.${quotedName(table)}`;
  return { label, database, table, name, own: ownTables(ownDatabase) };
}
