import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import type { WriteMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import type { TableShape } from "../table-shape.js";
import type { WriteSession } from "./write-session.js";

/** Where rows wait for what is to become of them: it is this session's own and ends with the transaction. */
export const STAGE = "pg_temp._millrace_stage";
/** Numbers the staged rows in the order in which they came. */
export const STAGE_ORDER = '"_millrace_row"';

/** A table to which staged rows go. */
export interface StageTarget extends TableShape {
  /** As the job names it. */
  readonly label: string;
  /** The columns of the rows. */
  readonly columns: readonly string[];
}

/** How many rows were written, and how many ought to be. */
export interface StagedWrite {
  readonly written: number;
  readonly expected: number;
}

export function columnList({ columns }: TableSchema): string {
  return columns.map(({ name }) => quotedName(name)).join(", ");
}

export async function makeStage(
  session: WriteSession,
  table: string,
  schema: TableSchema,
  mode: WriteMode,
): Promise<void> {
  const copied = `select ${columnList(schema)} from ${table}`;
  await session.execute(`create temp table _millrace_stage on commit drop as ${copied} with no data`);
  if (mode.kind !== "upsert" || mode.onDuplicate !== "keepLast") return;
  await session.execute(`alter table ${STAGE} add column ${STAGE_ORDER} bigint generated always as identity`);
}

/** Of two writers that replace rows the second waits here; readers and those who add rows do not. */
export async function lockForReplacing(session: WriteSession, table: string): Promise<void> {
  await session.execute(`lock table ${table} in share update exclusive mode`);
}

/** Deletes what is there and puts the staged rows in its place: views, grants, indexes and foreign keys stay. */
export async function replaceAll(session: WriteSession, target: StageTarget, rows: number): Promise<StagedWrite> {
  await lockForReplacing(session, target.name);
  await refuseCascade(session, target);
  // Until the new rows are in, rows of other tables may point at nothing.
  await session.execute("set constraints all deferred");
  await session.execute(`delete from ${target.name}`);
  if (await keepsRows(session, target)) throw kept(target.label);
  const names = target.columns.map(quotedName).join(", ");
  const written = await session.execute(`insert into ${target.name} (${names}) select ${names} from ${STAGE}`);
  return { written, expected: rows };
}

/** A foreign key that follows a deletion would empty, or change, the other table. */
async function refuseCascade(session: WriteSession, { oid, label }: StageTarget): Promise<void> {
  const [found] = await session.query(
    `select conname as name, conrelid::regclass::text as child from pg_catalog.pg_constraint
     where contype = 'f' and confrelid = $1::oid and conrelid <> confrelid and confdeltype in ('c', 'n', 'd') limit 1`,
    oid,
  );
  if (found === undefined) return;
  throw new JobError("unsupported_write_mode", {
    message: `An overwrite of "${label}" would also change rows of ${found["child"]}, by its foreign key ${found["name"]}.`,
    hint: "Use upsert, which deletes nothing, or let the foreign key refuse deletions.",
    table: label,
    mode: "overwrite",
  });
}

/** Row triggers before a deletion may call it off. */
const DELETE_TRIGGERS = `select 1 from pg_catalog.pg_trigger
  where tgrelid = $1::oid and not tgisinternal and tgtype & 11 = 11 limit 1`;

async function keepsRows(session: WriteSession, { oid, name }: StageTarget): Promise<boolean> {
  if ((await session.query(DELETE_TRIGGERS, oid)).length === 0) return false;
  return (await session.query(`select 1 from ${name} limit 1`)).length > 0;
}

function kept(label: string): JobError {
  return new JobError("destination_failed", {
    message: `A trigger of "${label}" kept rows from being deleted.`,
    hint: "An overwrite replaces every row: change the trigger, or use another mode.",
    table: label,
  });
}
