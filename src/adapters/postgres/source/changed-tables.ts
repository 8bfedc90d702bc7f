import type { Ask } from "../statement-answer.js";

/*
 * A transaction sees rows as they were at its moment, and tables, views and partitions as they are now. What it has touched
 * is locked by it, so that nobody changes that any more; what was changed between its moment and the lock shows here. Rows of
 * the catalogue are seen as they were at the moment, functions tell what is now:
 *
 * - a file that is another: TRUNCATE, and what rewrites a table or a materialized view;
 * - another name: what has the table's name now had none, or another;
 * - a row of the catalogue that was replaced or deleted since: the columns of a table (also of one that became a child or a
 *   partition), the children and partitions that it had, the query of a view.
 *
 * What was made since has no rows to see, and no row in the catalogue either. Who replaced a row that is seen, and has
 * committed, did so behind the moment, or the row were not seen: the snapshot itself does not tell, for it knows nothing of
 * subtransactions. His number is made one of 64 bits by counting from the snapshot's own.
 */
const CHANGED = `
  with moment as (select pg_snapshot_xmax(pg_current_snapshot()) as next),
  replaced as (
    select attrelid as oid, xmax as by from pg_catalog.pg_attribute where attnum > 0
    union all select inhparent, xmax from pg_catalog.pg_inherits
    union all select ev_class, xmax from pg_catalog.pg_rewrite
  )
  select format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_locks l cross join moment m
  join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'f', 'v', 'm')
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname <> 'pg_catalog'
  where l.pid = pg_backend_pid() and l.locktype = 'relation' and (
    c.relfilenode <> 0 and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)
    or format('%I.%I', n.nspname, c.relname)
      is distinct from (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity
    or exists (
      select from replaced r
      where r.oid = c.oid and r.by <> '0'::xid
        and pg_xact_status((m.next::text::bigint + age(m.next::xid) - age(r.by))::text::xid8) = 'committed'
    )
  )
  limit 1`;

/** A table or view that this transaction has touched, and that was changed after the moment which it sees; undefined: none. */
export async function changedTable(ask: Ask): Promise<string | undefined> {
  const [changed] = await ask(CHANGED);
  return changed?.["name"] ?? undefined;
}
