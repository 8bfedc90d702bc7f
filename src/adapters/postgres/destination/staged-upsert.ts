import { duplicateKey } from "../../../model/write-refusals.js";
import type { WriteMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import { lockForReplacing, STAGE, STAGE_ORDER, type StagedWrite, type StageTarget } from "./staged-rows.js";
import type { WriteSession } from "./write-session.js";

type Upsert = Extract<WriteMode, { kind: "upsert" }>;

/**
 * Staged rows into the table, in place of those with the same keys: by the unique index of just these columns where there is
 * one, so that rows of other tables that point at them are not touched; otherwise by deletion.
 */
export async function upsertStaged(
  session: WriteSession,
  target: StageTarget,
  { keys, onDuplicate }: Upsert,
  rows: number,
): Promise<StagedWrite> {
  const same = (left: string, right: string) =>
    keys.map((key) => `${left}.${quotedName(key)} = ${right}.${quotedName(key)}`).join(" and ");
  const later = `select 1 from ${STAGE} later where ${same("later", "s")} and later.${STAGE_ORDER} > s.${STAGE_ORDER}`;
  const dropped =
    onDuplicate === "keepLast" ? await session.execute(`delete from ${STAGE} s where exists (${later})`) : 0;
  const names = target.columns.map(quotedName).join(", ");
  const insert = `insert into ${target.name} (${names}) select ${names} from ${STAGE}`;
  const expected = rows - dropped;
  if (await hasUniqueIndex(session, target.oid, keys)) {
    const conflict = `on conflict (${keys.map(quotedName).join(", ")}) do update set ${replacement(target)}`;
    return { written: await insertOnce(session, target, keys, `${insert} ${conflict}`), expected };
  }
  await refuseDuplicates(session, target, keys);
  await lockForReplacing(session, target.name);
  await session.execute(`delete from ${target.name} t using ${STAGE} s where ${same("t", "s")}`);
  return { written: await session.execute(insert), expected };
}

/** The server itself refuses to replace a row twice in one statement: only then is a key looked for that comes twice. */
async function insertOnce(
  session: WriteSession,
  target: StageTarget,
  keys: readonly string[],
  insert: string,
): Promise<number> {
  await session.execute("savepoint millrace_upsert");
  try {
    return await session.execute(insert);
  } catch (error) {
    await session.execute("rollback to savepoint millrace_upsert");
    await refuseDuplicates(session, target, keys);
    throw error;
  }
}

/** Rows are replaced whole: what the new one lacks is its default, but the number that a row gave itself stays. */
function replacement({ schema, columns, identities }: StageTarget): string {
  return schema.columns
    .filter(({ name, generated }) => generated !== true && (columns.includes(name) || !identities.has(name)))
    .map(({ name }) => `${quotedName(name)} = ${columns.includes(name) ? `excluded.${quotedName(name)}` : "default"}`)
    .join(", ");
}

async function refuseDuplicates(session: WriteSession, { label }: StageTarget, keys: readonly string[]): Promise<void> {
  const list = keys.map(quotedName);
  const texts = list.map((key) => `${key}::text`).join(", ");
  const [example] = await session.query(
    `select json_build_array(${texts}) as key from ${STAGE} group by ${list.join(", ")} having count(*) > 1 limit 1`,
  );
  if (example?.["key"] != null) throw duplicateKey(label, keys, JSON.parse(example["key"]) as string[]);
}

/** Whether a row can be found by these columns alone, whatever it holds, and at once. */
async function hasUniqueIndex(session: WriteSession, oid: string, keys: readonly string[]): Promise<boolean> {
  const found = await session.query(
    `select 1 from pg_catalog.pg_index i
     where i.indrelid = $1::oid and i.indisunique and i.indimmediate and i.indisvalid
       and i.indpred is null and i.indexprs is null and i.indnkeyatts = $3
       and not exists (
         select from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
         join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
         where place <= i.indnkeyatts and not a.attname = any (select json_array_elements_text($2::json)))
     limit 1`,
    oid,
    JSON.stringify([...new Set(keys)]),
    new Set(keys).size,
  );
  return found.length > 0;
}
