import { type KeyedMode, onRepeatedKey } from "../../../model/write-mode.js";
import { duplicateKey, nullKey } from "../../../model/write-refusals.js";
import type { EngineWriter } from "../../../ports/engine-target.js";
import { quoteIdentifier } from "../quote.js";
import { type Insertion, insertStaged, STAGE, stageRows } from "./staged-rows.js";
import type { TableName } from "./table-name.js";

/**
 * Writes rows that go by keys. They are laid aside first, since only then is it known whether they fit; then either those
 * of the table with their keys go, or those of the run whose key the table has.
 */
export async function writeKeyedRows(
  writer: EngineWriter,
  insertion: Insertion,
  mode: KeyedMode,
): Promise<{ readonly rowsStaged: number; readonly rowsWritten: number }> {
  const { table, path } = insertion;
  const rowsStaged = await stageRows(writer, insertion);
  await refuseNullKeys(writer, table, mode);
  const onRepeated = onRepeatedKey(mode);
  if (onRepeated === "refuse") await refuseDuplicates(writer, table, mode);
  else if (onRepeated !== "keepAll") await dropRepeated(writer, mode, onRepeated);
  const sameKey = mode.keys.map((key) => `t.${quoteIdentifier(key)} = s.${quoteIdentifier(key)}`).join(" and ");
  const [doomed, other] =
    mode.kind === "insertOnly" ? [`${STAGE} as s`, `${path} as t`] : [`${path} as t`, `${STAGE} as s`];
  await writer.execute(`delete from ${doomed} using ${other} where ${sameKey}`);
  return { rowsStaged, rowsWritten: await insertStaged(writer, insertion) };
}

async function dropRepeated(writer: EngineWriter, { keys }: KeyedMode, keep: "keepFirst" | "keepLast"): Promise<void> {
  const key = keys.map(quoteIdentifier).join(", ");
  const order = keep === "keepLast" ? "rowid desc" : "rowid";
  const numbered = `select rowid as row, row_number() over (partition by ${key} order by ${order}) as n from ${STAGE}`;
  await writer.execute(`delete from ${STAGE} where rowid in (select row from (${numbered}) where n > 1)`);
}

async function refuseNullKeys(writer: EngineWriter, { text }: TableName, { keys }: KeyedMode): Promise<void> {
  const counts = keys.map((key, index) => `count(*) filter (where ${quoteIdentifier(key)} is null) as n${index}`);
  const [row] = await writer.read(`select ${counts.join(", ")} from ${STAGE}`);
  const column = keys.find((_, index) => row?.[`n${index}`] !== "0");
  if (column !== undefined) throw nullKey(text, column);
}

async function refuseDuplicates(writer: EngineWriter, { text }: TableName, mode: KeyedMode): Promise<void> {
  const { keys } = mode;
  const names = keys.map(quoteIdentifier).join(", ");
  const shown = keys.map((key, index) => `${quoteIdentifier(key)}::varchar as k${index}`).join(", ");
  const duplicate = `select ${names} from ${STAGE} group by ${names} having count(*) > 1 limit 1`;
  const [row] = await writer.read(`select ${shown} from (${duplicate})`);
  if (row === undefined) return;
  throw duplicateKey(
    text,
    mode,
    keys.map((_, index) => String(row[`k${index}`])),
  );
}
