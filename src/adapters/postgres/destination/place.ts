import { canBeName, quotedName } from "../quoted-name.js";
import { type OwnTables, ownTables } from "./own-tables.js";

/** One table of a connection, and what is kept beside it. */
export interface TablePlace {
  /** As the job names it. */
  readonly label: string;
  /** Quoted, with its schema where one was given, as SQL text. */
  readonly name: string;
  readonly own: OwnTables;
}

const OWN_PREFIX = "_millrace_";
const SYSTEM_SCHEMA = /^(pg_.*|information_schema)$/;

/**
 * The place of a table by its name in a job: `orders`, or `sales.orders` with its schema. Undefined for a name that
 * Postgres or Millrace keep for themselves, or that is longer than 63 bytes.
 */
export function tablePlace(label: string, schema: string | undefined): TablePlace | undefined {
  const dot = label.indexOf(".");
  const [inSchema, table] = dot < 0 ? [schema, label] : [label.slice(0, dot), label.slice(dot + 1)];
  if (!canBeName(table) || table.startsWith(OWN_PREFIX)) return undefined;
  if (inSchema !== undefined && (!canBeName(inSchema) || SYSTEM_SCHEMA.test(inSchema))) return undefined;
  const prefix = inSchema === undefined ? "" : `${quotedName(inSchema)}.`;
  const own = ownTables(schema === undefined ? undefined : quotedName(schema));
  return { label, name: prefix + quotedName(table), own };
}
