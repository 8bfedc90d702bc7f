import type { KeyedMode } from "../../../model/write-mode.js";
import { duplicateKey } from "../../../model/write-refusals.js";
import { quotedName } from "../quoted-name.js";
import { STAGE, STAGE_ORDER, type Staged } from "./staged-rows.js";

/** A condition: the rows of two tables have the same key. */
export function sameKey({ keys }: KeyedMode, left: string, right: string): string {
  return keys.map((key) => `${left}.${quotedName(key)} = ${right}.${quotedName(key)}`).join(" and ");
}

/** A condition on a row of the table `t`: a staged row has its key. */
export function isStagedKey(mode: KeyedMode): string {
  return `exists (select 1 from ${STAGE} s where ${sameKey(mode, "t", "s")})`;
}

/** Drops staged rows for which an earlier, or a later, one has the same key. @returns how many. */
export function dropRepeated({ session }: Staged, mode: KeyedMode, keep: "keepFirst" | "keepLast"): Promise<number> {
  const order = `o.${STAGE_ORDER} ${keep === "keepFirst" ? "<" : ">"} s.${STAGE_ORDER}`;
  const other = `select 1 from ${STAGE} o where ${sameKey(mode, "o", "s")} and ${order}`;
  return session.execute(`delete from ${STAGE} s where exists (${other})`);
}

/** @throws JobError `destination_failed` when two staged rows have the same key. */
export async function refuseRepeated({ session, target }: Staged, mode: KeyedMode): Promise<void> {
  const list = mode.keys.map(quotedName);
  const texts = list.map((key) => `${key}::text`).join(", ");
  const [example] = await session.query(
    `select json_build_array(${texts}) as key from ${STAGE} group by ${list.join(", ")} having count(*) > 1 limit 1`,
  );
  if (example?.["key"] != null) throw duplicateKey(target.label, mode, JSON.parse(example["key"]) as string[]);
}

/** Whether a row can be found by these columns alone, whatever it holds, and at once. */
export async function hasUniqueIndex({ session, target }: Staged, { keys }: KeyedMode): Promise<boolean> {
  const found = await session.query(
    `select 1 from pg_catalog.pg_index i
     where i.indrelid = $1::oid and i.indisunique and i.indimmediate and i.indisvalid
       and i.indpred is null and i.indexprs is null and i.indnkeyatts = $3
       and not exists (
         select from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
         join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
         where place <= i.indnkeyatts and not a.attname = any (select json_array_elements_text($2::json)))
     limit 1`,
    target.oid,
    JSON.stringify([...new Set(keys)]),
    new Set(keys).size,
  );
  return found.length > 0;
}

export function onConflict({ keys }: KeyedMode): string {
  return `on conflict (${keys.map(quotedName).join(", ")}) do`;
}
