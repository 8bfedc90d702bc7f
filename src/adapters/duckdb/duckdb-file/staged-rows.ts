import type { EngineWriter } from "../../../ports/engine-target.js";

/** A query's rows, laid aside: a table of the connection's own, inside the write's transaction. */
export const STAGE = "temp.main.millrace_stage";

/** @returns how many rows the query gave. */
export async function stageRows(writer: EngineWriter): Promise<number> {
  const { rows } = await writer.writeRows(`create temp table ${STAGE} as from`, "");
  return rows;
}

/**
 * @param insert `insert into …` with the query's columns.
 * @returns how many rows were inserted.
 */
export async function insertStaged(writer: EngineWriter, insert: string): Promise<number> {
  const [inserted] = await writer.read(`${insert} from ${STAGE}`);
  await writer.execute(`drop table ${STAGE}`);
  return Number(inserted?.["Count"]);
}
