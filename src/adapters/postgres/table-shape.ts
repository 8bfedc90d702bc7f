import type { DataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import { dataTypeOfNative } from "./native-type.js";
import type { Ask, TextRow } from "./statement-answer.js";

/** A table that is there. */
export interface TableShape {
  readonly oid: string;
  /** With its schema and quoted, as SQL text. */
  readonly name: string;
  readonly schema: TableSchema;
  /** The columns that number themselves. */
  readonly identities: ReadonlySet<string>;
}

const PLAIN_TABLE = "r";
const PARTITIONED_TABLE = "p";

const RELATION = `
  select c.oid, format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind, c.relhasrules as rules
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = to_regclass($1)`;

// A domain stands for the type below it, and may refuse nulls.
const COLUMNS = `
  with recursive typed as (
    select a.attnum, a.atttypid as type, a.atttypmod as modifier, a.attnotnull as required, false as given
    from pg_catalog.pg_attribute a where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
    union all
    select p.attnum, t.typbasetype, t.typtypmod, p.required or t.typnotnull, p.given or t.typdefault is not null
    from typed p join pg_catalog.pg_type t on t.oid = p.type where t.typtype = 'd'
  )
  select a.attname as name, format_type(p.type, p.modifier) as type, p.required, a.attidentity as identity,
    a.atthasdef or p.given as given, a.attgenerated <> '' as generated,
    t.typnamespace = 'pg_catalog'::regnamespace as "builtIn",
    case when t.typtype = 'e' then
      (select json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid)
    end as labels
  from typed p
  join pg_catalog.pg_type t on t.oid = p.type and t.typtype <> 'd'
  join pg_catalog.pg_attribute a on a.attrelid = $1::oid and a.attnum = p.attnum
  order by a.attnum`;

/**
 * The table of this name, or null when there is none.
 *
 * @param name quoted, as SQL text.
 * @throws JobError `destination_resolution_failed` for a view and what else cannot take rows all or nothing.
 */
export async function readTableShape(ask: Ask, name: string): Promise<TableShape | null> {
  const [found] = await ask(RELATION, name);
  if (found === undefined) return null;
  const why = unwritable(found);
  if (why !== undefined) {
    throw new JobError("destination_resolution_failed", {
      message: `${name} ${why}.`,
      hint: "Name a plain or a partitioned table.",
      table: name,
    });
  }
  const columns = await ask(COLUMNS, found["oid"]);
  const identities = columns.filter(({ identity }) => identity !== "").map((column) => column["name"] ?? "");
  return {
    oid: found["oid"] ?? "",
    name: found["name"] ?? "",
    schema: { columns: columns.map(columnOf) },
    identities: new Set(identities),
  };
}

function unwritable({ kind, rules }: TextRow): string | undefined {
  if (kind !== PLAIN_TABLE && kind !== PARTITIONED_TABLE) return "is no plain table";
  return rules === "t" ? "has rewrite rules, which may do something else with the rows" : undefined;
}

function columnOf(row: TextRow): Column {
  const nativeType = row["type"] ?? "";
  const isAlways = row["identity"] === "a";
  return {
    name: row["name"] ?? "",
    type: dataTypeOf(row, nativeType),
    nullable: row["required"] === "f",
    ...((row["given"] === "t" || row["identity"] !== "") && { hasDefault: true }),
    // What a column that is always generated is given, it refuses.
    ...((row["generated"] === "t" || isAlways) && { generated: true }),
    nativeType,
  };
}

function dataTypeOf({ labels, builtIn }: TextRow, nativeType: string): DataType {
  if (labels != null) return { kind: "enum", values: JSON.parse(labels) as string[] };
  return builtIn === "t" ? dataTypeOfNative(nativeType) : { kind: "opaque", name: nativeType };
}
