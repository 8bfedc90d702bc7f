import type { KeyedMode } from "../../../model/write-mode.js";
import { dropRepeated, hasUniqueIndex, onConflict, refuseRepeated, sameKey } from "./staged-keys.js";
import { insertStaged, lockForReplacing, STAGE, type Staged, type StagedWrite } from "./staged-rows.js";

type InsertOnly = Extract<KeyedMode, { readonly kind: "insertOnly" }>;

/**
 * Of the staged rows those whose key the table does not have. Where a unique index covers just the keys, it also decides
 * against rows that others add at this moment.
 */
export async function insertNew(staged: Staged, mode: InsertOnly): Promise<StagedWrite> {
  const { session, target } = staged;
  let { rows } = staged;
  if (mode.onDuplicate === "keepFirst") rows -= await dropRepeated(staged, mode, mode.onDuplicate);
  else await refuseRepeated(staged, mode);
  const isThere = `exists (select 1 from ${target.name} t where ${sameKey(mode, "t", "s")})`;
  if (await hasUniqueIndex(staged, mode)) {
    // Else two writers would wait for each other's rows in a ring. No lock of the table, for which inserting gives no right.
    await session.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", `millrace insertOnly ${target.oid}`);
    const written = await insertStaged(staged, `${onConflict(mode)} nothing`);
    if (written === rows) return { written, expected: rows };
    // A key that still is not there was left out by something else.
    const [lost] = await session.query(`select count(*) as rows from ${STAGE} s where not ${isThere}`);
    return { written, expected: written + Number(lost?.["rows"]) };
  }
  await lockForReplacing(staged);
  const leftOut = await session.execute(`delete from ${STAGE} s where ${isThere}`);
  return { written: await insertStaged(staged), expected: rows - leftOut };
}
