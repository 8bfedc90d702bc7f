import type { KeyedMode } from "../../../model/write-mode.js";
import { duplicateKey } from "../../../model/write-refusals.js";
import { quotedName } from "../quoted-name.js";
import { columnList, KEPT, STAGE, STAGE_ORDER, type Staged } from "./staged-rows.js";

/** The table as `t` and the stage as `s`, row beside row with the same key, as the columns compare. */
export function joinedByKey({ place }: Staged, { keys }: KeyedMode): string {
  const same = keys.map((key) => `t.${quotedName(key)} = s.${quotedName(key)}`).join(" and ");
  return `${place.name} t join ${STAGE} s on ${same}`;
}

/** Drops staged rows for which an earlier, or a later, one has the same key. @returns how many. */
export async function dropRepeated(
  { session }: Staged,
  { keys }: KeyedMode,
  keep: "keepFirst" | "keepLast",
): Promise<number> {
  const kept = `${keep === "keepFirst" ? "min" : "max"}(${STAGE_ORDER})`;
  await session.execute(`insert into ${KEPT} select ${kept} from ${STAGE} group by ${columnList(keys)}`);
  return session.execute(
    `delete s from ${STAGE} s left join ${KEPT} k on k.${STAGE_ORDER} = s.${STAGE_ORDER} where k.${STAGE_ORDER} is null`,
  );
}

/** @throws JobError `destination_failed` when two staged rows have the same key. */
export async function refuseRepeated({ session, place }: Staged, mode: KeyedMode): Promise<void> {
  const texts = mode.keys.map((key, index) => `cast(${quotedName(key)} as char) as k${index}`).join(", ");
  const [example] = await session.query(
    `select ${texts} from ${STAGE} group by ${columnList(mode.keys)} having count(*) > 1 limit 1`,
  );
  if (example)
    throw duplicateKey(
      place.label,
      mode,
      mode.keys.map((_, index) => example[`k${index}`] ?? ""),
    );
}

/** Whether a row can be found by these columns alone, whatever they hold. */
export async function hasUniqueIndex({ session, place }: Staged, { keys }: KeyedMode): Promise<boolean> {
  const parts = await session.query(
    `select index_name as name, column_name as part, sub_part is not null as cut from information_schema.statistics
     where table_schema = ? and table_name = ? and non_unique = 0`,
    place.database,
    place.table,
  );
  const wanted = new Set(keys);
  return [...new Set(parts.map(({ name }) => name))].some((index) => {
    const own = parts.filter(({ name }) => name === index);
    return own.length === wanted.size && own.every(({ part, cut }) => wanted.has(part ?? "") && cut === "0");
  });
}
