import type { TableSchema } from "../../../model/table-schema.js";
import type { WriteMode } from "../../../model/write-mode.js";
import { duplicateKey, missingKey, nullKey } from "../../../model/write-refusals.js";
import type { EngineWriter } from "../../../ports/engine-target.js";
import { quoteIdentifier } from "../quote.js";
import { insertStaged, STAGE, stageRows } from "./staged-rows.js";
import type { TableName } from "./table-name.js";

type UpsertMode = Extract<WriteMode, { kind: "upsert" }>;

export interface Insertion {
  readonly table: TableName;
  /** The table in the file, quoted. */
  readonly path: string;
  /** `insert into …` with the query's columns. */
  readonly insert: string;
}

/** @throws JobError `schema_mismatch` for a key that the query does not give. */
export function refuseMissingKeys({ text }: TableName, { columns }: TableSchema, { keys }: UpsertMode): void {
  const missing = keys.find((key) => !columns.some(({ name }) => name === key));
  if (missing !== undefined) throw missingKey(text, missing);
}

/**
 * Replaces rows whole: all with a key of the query's rows go, and then the query's rows come. They are laid aside first, since
 * only then is it known whether they fit.
 */
export async function upsertRows(
  writer: EngineWriter,
  { table, path, insert, mode }: Insertion & { readonly mode: UpsertMode },
): Promise<{ readonly rowsStaged: number; readonly rowsWritten: number }> {
  const keys = mode.keys.map(quoteIdentifier);
  const rowsStaged = await stageRows(writer);
  await refuseNullKeys(writer, table, mode);
  if (mode.onDuplicate === "keepLast") {
    const numbered = `select rowid as row, row_number() over (partition by ${keys.join(", ")} order by rowid desc) as n from ${STAGE}`;
    await writer.execute(`delete from ${STAGE} where rowid in (select row from (${numbered}) where n > 1)`);
  } else {
    await refuseDuplicates(writer, table, mode);
  }
  const sameKey = keys.map((key) => `t.${key} = s.${key}`).join(" and ");
  await writer.execute(`delete from ${path} as t using ${STAGE} as s where ${sameKey}`);
  return { rowsStaged, rowsWritten: await insertStaged(writer, insert) };
}

async function refuseNullKeys(writer: EngineWriter, { text }: TableName, { keys }: UpsertMode): Promise<void> {
  const counts = keys.map((key, index) => `count(*) filter (where ${quoteIdentifier(key)} is null) as n${index}`);
  const [row] = await writer.read(`select ${counts.join(", ")} from ${STAGE}`);
  const column = keys.find((_, index) => row?.[`n${index}`] !== "0");
  if (column !== undefined) throw nullKey(text, column);
}

async function refuseDuplicates(writer: EngineWriter, { text }: TableName, { keys }: UpsertMode): Promise<void> {
  const names = keys.map(quoteIdentifier).join(", ");
  const shown = keys.map((key, index) => `${quoteIdentifier(key)}::varchar as k${index}`).join(", ");
  const duplicate = `select ${names} from ${STAGE} group by ${names} having count(*) > 1 limit 1`;
  const [row] = await writer.read(`select ${shown} from (${duplicate})`);
  if (row === undefined) return;
  throw duplicateKey(
    text,
    keys,
    keys.map((_, index) => String(row[`k${index}`])),
  );
}
