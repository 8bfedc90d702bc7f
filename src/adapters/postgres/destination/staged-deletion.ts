import { JobError } from "../../../model/job-error.js";
import type { WriteMode } from "../../../model/write-mode.js";
import { lockForReplacing, type Staged } from "./staged-rows.js";

/**
 * Deletes rows to make place for staged ones: views, grants, indexes and foreign keys stay. The lock that it takes holds
 * until the commit.
 *
 * @param doomed which rows, as a condition on `t`; undefined: all.
 */
export async function deleteRows(staged: Staged, { kind }: WriteMode, doomed?: string): Promise<void> {
  const { session, target } = staged;
  await lockForReplacing(staged);
  await refuseCascade(staged, kind, doomed !== undefined);
  // Until the new rows are in, rows of other tables may point at nothing.
  await session.execute("set constraints all deferred");
  const condition = doomed === undefined ? "" : `where ${doomed}`;
  await session.execute(`delete from ${target.name} t ${condition}`);
  if ((await session.query(DELETE_TRIGGERS, target.oid)).length === 0) return;
  const [kept] = await session.query(`select 1 from ${target.name} t ${condition} limit 1`);
  if (kept !== undefined) throw keptByTrigger(target.label, kind);
}

/** A foreign key that follows a deletion would empty, or change, other rows: of another table, or of this one. */
async function refuseCascade({ session, target }: Staged, mode: WriteMode["kind"], isPartial: boolean): Promise<void> {
  const [found] = await session.query(
    `select conname as name, conrelid::regclass::text as child from pg_catalog.pg_constraint
     where contype = 'f' and confrelid = $1::oid and (conrelid <> confrelid or $2) and confdeltype in ('c', 'n', 'd') limit 1`,
    target.oid,
    isPartial,
  );
  if (found === undefined) return;
  throw new JobError("unsupported_write_mode", {
    message: `To delete rows of "${target.label}", as ${mode} does, would also change rows of ${found["child"]}, by its foreign key ${found["name"]}.`,
    hint: "Upsert by columns with a unique index of their own, which deletes nothing, or let the foreign key refuse deletions.",
    table: target.label,
    mode,
  });
}

/** Row triggers before a deletion may call it off. */
const DELETE_TRIGGERS = `select 1 from pg_catalog.pg_trigger
  where tgrelid = $1::oid and not tgisinternal and tgtype & 11 = 11 limit 1`;

function keptByTrigger(label: string, mode: WriteMode["kind"]): JobError {
  return new JobError("destination_failed", {
    message: `A trigger of "${label}" kept rows from being deleted.`,
    hint: `The mode ${mode} replaces rows by deleting them: change the trigger, or use another mode.`,
    table: label,
  });
}
