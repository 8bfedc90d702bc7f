import type { TableSchema } from "../../../model/table-schema.js";
import type { Ask, TextRow } from "../statement-answer.js";
import { type NativeColumn, type ReadOptions, type WireColumn, wireColumn } from "./wire-column.js";

/** A table, a view or whatever else gives rows, as it is now. */
export interface ReadableTable {
  /** With its schema and quoted, as SQL text. */
  readonly name: string;
  readonly columns: readonly WireColumn[];
  /** The database keeps text in UTF-8, so that the order of its bytes is that of the code points. */
  readonly isUtf8: boolean;
}

// Tables, partitioned and foreign ones, views and materialized views.
const RELATION = `
  select c.oid, (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity as name,
    getdatabaseencoding() = 'UTF8' as utf8
  from pg_catalog.pg_class c
  where c.oid = to_regclass($1) and c.relkind in ('r', 'p', 'f', 'v', 'm')`;

// A domain stands for the type below it, among the items of an array as well. An array's modifier is that of its items.
const COLUMNS = `
  with recursive typed as (
    select a.attnum, a.atttypid as type, a.atttypmod as modifier, a.attnotnull as required
    from pg_catalog.pg_attribute a where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
    union all
    select p.attnum, t.typbasetype, t.typtypmod, p.required or t.typnotnull
    from typed p join pg_catalog.pg_type t on t.oid = p.type where t.typtype = 'd'
  ), based as (
    select p.*, (select e.oid from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid) as element
    from typed p join pg_catalog.pg_type t on t.oid = p.type and t.typtype <> 'd'
  ), items as (
    select attnum, element as type, modifier from based where element is not null
    union all
    select i.attnum, t.typbasetype, t.typtypmod
    from items i join pg_catalog.pg_type t on t.oid = i.type where t.typtype = 'd'
  )
  select a.attname as name, format_type(a.atttypid, a.atttypmod) as declared, b.required,
    coalesce(i.type, b.type) as type, coalesce(i.modifier, b.modifier) as modifier, b.element is not null as array,
    coalesce(l.collisdeterministic, true) as deterministic, format_type(b.type, null) as base,
    (select json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e
      where e.enumtypid = coalesce(i.type, b.type)) as labels
  from based b
  join pg_catalog.pg_attribute a on a.attrelid = $1::oid and a.attnum = b.attnum
  left join (
    select i.* from items i join pg_catalog.pg_type t on t.oid = i.type and t.typtype <> 'd'
  ) i on i.attnum = b.attnum
  left join pg_catalog.pg_collation l on l.oid = a.attcollation
  order by a.attnum`;

/** @param name quoted, as SQL text. Null: there is nothing of this name that gives rows. */
export async function readableTable(ask: Ask, name: string, options: ReadOptions): Promise<ReadableTable | null> {
  const [found] = await ask(RELATION, name);
  if (found === undefined) return null;
  const columns = await ask(COLUMNS, found["oid"]);
  return {
    name: found["name"] ?? "",
    columns: columns.map((row) => wireColumn(nativeColumn(row), options)),
    isUtf8: found["utf8"] === "t",
  };
}

export function schemaOf({ columns }: Pick<ReadableTable, "columns">): TableSchema {
  return {
    columns: columns.map(({ name, type, nullable, nativeType }) => ({ name, type, nullable, nativeType })),
  };
}

function nativeColumn(row: TextRow): NativeColumn {
  const labels = row["labels"];
  return {
    name: row["name"] ?? "",
    declared: row["declared"] ?? "",
    base: row["base"] ?? "",
    nullable: row["required"] !== "t",
    oid: Number(row["type"]),
    modifier: Number(row["modifier"]),
    isArray: row["array"] === "t",
    labels: labels == null ? null : (JSON.parse(labels) as string[]),
    isDeterministic: row["deterministic"] === "t",
  };
}
