import type { TableSchema } from "../../../model/table-schema.js";
import { type KeyedMode, onRepeatedKey } from "../../../model/write-mode.js";
import { parseNativeType } from "../native-type.js";
import { quotedName } from "../quoted-name.js";
import type { TableShape } from "../table-shape.js";
import type { TablePlace } from "./place.js";
import type { WriteSession } from "./write-session.js";

/** Where rows wait for what is to become of them: it is this session's own and ends with it. */
export const STAGE = "`_millrace_stage`";
/** Numbers the staged rows in the order in which they came. */
export const STAGE_ORDER = "`_millrace_row`";
/** Which of several rows with one key stays: a statement may look at a temporary table only once. */
export const KEPT = "`_millrace_kept`";

/** Rows in the stage, on their way into a table. */
export interface Staged {
  readonly session: WriteSession;
  readonly place: TablePlace;
  readonly shape: TableShape;
  /** The columns of the rows. */
  readonly columns: readonly string[];
  /** How many they are. */
  readonly rows: number;
}

/** How many rows were written, and how many ought to be. */
export interface StagedWrite {
  readonly written: number;
  readonly expected: number;
}

export function columnList(names: readonly string[]): string {
  return names.map(quotedName).join(", ");
}

/** Before the transaction: its columns are the table's, so that values become what they will be there, and compare alike. */
export async function makeStage(
  session: WriteSession,
  { name }: TablePlace,
  shape: TableShape,
  { columns }: TableSchema,
  mode: KeyedMode,
): Promise<void> {
  const index = [...new Set(mode.keys)].map((key) => indexed(shape.schema, key, new Set(mode.keys).size));
  await session.makeTemporary(
    `${STAGE} (${STAGE_ORDER} bigint unsigned not null auto_increment primary key, index (${index.join(", ")}))
     engine = InnoDB as select ${columnList(columns.map((column) => column.name))} from ${name} limit 0`,
  );
  const repeated = onRepeatedKey(mode);
  if (repeated !== "keepFirst" && repeated !== "keepLast") return;
  await session.makeTemporary(`${KEPT} (${STAGE_ORDER} bigint unsigned not null primary key) engine = InnoDB`);
}

/** An index takes 3,072 bytes, of which a character has up to four: it holds the beginning of what may be longer. */
const INDEXED_CHARACTERS = 700;

function indexed({ columns }: TableSchema, key: string, count: number): string {
  const { name, modifiers } = parseNativeType(columns.find((column) => column.name === key)?.nativeType ?? "");
  const most = Math.floor(INDEXED_CHARACTERS / count);
  const isLong = /text$|blob$|char$|binary$|^json$/.test(name) && (modifiers[0] ?? Infinity) > most;
  return isLong ? `${quotedName(key)}(${most})` : quotedName(key);
}

/** Puts the staged rows into the table. @returns how many went in. */
export function insertStaged({ session, place, columns }: Staged): Promise<number> {
  const names = columnList(columns);
  return session.execute(`insert into ${place.name} (${names}) select ${names} from ${STAGE}`);
}
