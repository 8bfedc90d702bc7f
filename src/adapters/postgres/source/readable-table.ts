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
  /** Its rows were replaced after the transaction's moment: none of the old ones can be read any more. */
  readonly isReplaced: boolean;
}

// Tables, partitioned and foreign ones, views and materialized views. What a function says of a file is of now, what a
// row of pg_class says of it is of the transaction's moment: they differ after TRUNCATE and what rewrites a table. That is
// asked of all tables that are read with this one: its partitions, its children, those of a view. The same goes for which
// partitions a table has: a partition that was attached or detached keeps its file. One made since has no rows to see.
const RELATION = `
  with recursive reached as (
    select to_regclass($1)::oid as oid
    union
    select below.oid from reached r cross join lateral (
      select i.inhrelid as oid from pg_catalog.pg_inherits i where i.inhparent = r.oid
      union all
      select d.refobjid from pg_catalog.pg_rewrite w
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
      where w.ev_class = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
    ) below
  )
  select c.oid, format('%I.%I', n.nspname, c.relname) as name, getdatabaseencoding() = 'UTF8' as utf8,
    exists (
      select from reached r join pg_catalog.pg_class f on f.oid = r.oid
      where f.relfilenode <> 0 and f.relfilenode is distinct from pg_catalog.pg_relation_filenode(f.oid)
    ) or exists (
      select from reached r join pg_catalog.pg_class p on p.oid = r.oid and p.relkind = 'p'
      cross join lateral (
        select was.oid as was, now.oid as now
        from (select i.inhrelid as oid from pg_catalog.pg_inherits i where i.inhparent = r.oid) was
        full join (
          select n.relid::oid as oid from pg_catalog.pg_partition_tree(r.oid) n where n.parentrelid = r.oid
        ) now on now.oid = was.oid
      ) part
      where part.now is null
        or part.was is null and exists (select from pg_catalog.pg_class f where f.oid = part.now)
    ) as replaced
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
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
    isReplaced: found["replaced"] === "t",
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
