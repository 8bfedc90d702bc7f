import type { EngineWriter } from "../../../ports/engine-target.js";
import type { TableName } from "./table-name.js";

/** Where a query's rows go. */
export interface Insertion {
  readonly table: TableName;
  /** The table in the file, quoted. */
  readonly path: string;
  /** The query's columns, quoted, with commas between them. */
  readonly columns: string;
}

/** A query's rows, laid aside: a table of the connection's own, inside the write's transaction. */
export const STAGE = "temp.main.millrace_stage";

/**
 * The stage has the table's own columns, so that values which are equal in the one are equal in the other: a collation may
 * ignore the case of letters.
 *
 * @returns how many rows the query gave.
 */
export async function stageRows(writer: EngineWriter, { path, columns }: Insertion): Promise<number> {
  await writer.execute(`create temp table ${STAGE} as select ${columns} from ${path} where false`);
  const { rows } = await writer.writeRows(`insert into ${STAGE} (${columns})`, "");
  return rows;
}

/** @returns how many rows were inserted. */
export async function insertStaged(writer: EngineWriter, { path, columns }: Insertion): Promise<number> {
  const [inserted] = await writer.read(`insert into ${path} (${columns}) from ${STAGE}`);
  await writer.execute(`drop table ${STAGE}`);
  return Number(inserted?.["Count"]);
}
