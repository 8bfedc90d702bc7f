import type { TableSchema } from "../../../model/table-schema.js";
import { isKeyed, onRepeatedKey, type WriteMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import type { TableShape } from "../table-shape.js";
import type { WriteSession } from "./write-session.js";

/** Where rows wait for what is to become of them: it is this session's own and ends with the transaction. */
export const STAGE = "pg_temp._millrace_stage";
/** Numbers the staged rows in the order in which they came. */
export const STAGE_ORDER = '"_millrace_row"';

/** Rows in the stage, on their way into a table. */
export interface Staged {
  readonly session: WriteSession;
  readonly target: StageTarget;
  /** How many they are. */
  readonly rows: number;
}

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
  if (!isKeyed(mode) || !ORDERED.has(onRepeatedKey(mode))) return;
  await session.execute(`alter table ${STAGE} add column ${STAGE_ORDER} bigint generated always as identity`);
}

const ORDERED: ReadonlySet<string> = new Set(["keepFirst", "keepLast"]);

/** Of two writers that replace rows the second waits here; readers and those who add rows do not. */
export async function lockForReplacing({ session, target }: Staged): Promise<void> {
  await session.execute(`lock table ${target.name} in share update exclusive mode`);
}

/** Puts the staged rows into the table, with what is to follow the statement. @returns how many went in. */
export function insertStaged({ session, target }: Staged, onConflict = ""): Promise<number> {
  const names = target.columns.map(quotedName).join(", ");
  return session.execute(`insert into ${target.name} (${names}) select ${names} from ${STAGE} ${onConflict}`);
}
