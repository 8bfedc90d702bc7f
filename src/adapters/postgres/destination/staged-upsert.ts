import { isJobError } from "../../../model/job-error.js";
import type { KeyedMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import { deleteRows } from "./staged-deletion.js";
import { dropRepeated, hasUniqueIndex, isStagedKey, onConflict, refuseRepeated } from "./staged-keys.js";
import { insertStaged, type Staged, type StagedWrite, type StageTarget } from "./staged-rows.js";

type Upsert = Extract<KeyedMode, { readonly kind: "upsert" }>;

/**
 * Staged rows into the table, in place of those with the same keys: by the unique index of just these columns where there is
 * one, so that rows of other tables that point at them are not touched; otherwise by deletion.
 */
export async function upsertStaged(staged: Staged, mode: Upsert): Promise<StagedWrite> {
  const dropped = mode.onDuplicate === "keepLast" ? await dropRepeated(staged, mode, mode.onDuplicate) : 0;
  const expected = staged.rows - dropped;
  if (await hasUniqueIndex(staged, mode)) return { written: await insertOnce(staged, mode), expected };
  await refuseRepeated(staged, mode);
  await deleteRows(staged, mode, isStagedKey(mode));
  return { written: await insertStaged(staged), expected };
}

/** Into an empty table a plain insertion is faster; a key that comes twice, or from elsewhere meanwhile, makes it fail. */
async function insertOnce(staged: Staged, mode: Upsert): Promise<number> {
  const { session, target } = staged;
  const [row] = await session.query(`select 1 from ${target.name} limit 1`);
  return row === undefined ? insertUndoably(staged, "", () => replaceOnce(staged, mode)) : replaceOnce(staged, mode);
}

/** The server itself refuses to replace a row twice in one statement: only then is a key looked for that comes twice. */
function replaceOnce(staged: Staged, mode: Upsert): Promise<number> {
  const rest = `${onConflict(mode)} update set ${replacement(staged.target)}`;
  return insertUndoably(staged, rest, async (error) => {
    await refuseRepeated(staged, mode);
    throw error;
  });
}

async function insertUndoably(
  staged: Staged,
  onConflict: string,
  onFailure: (error: unknown) => Promise<number>,
): Promise<number> {
  const { session } = staged;
  await session.execute("savepoint millrace_upsert");
  try {
    return await insertStaged(staged, onConflict);
  } catch (error) {
    // A lock that is not given, a statement that is cancelled, a server that is gone: not the rows are to blame.
    if (isJobError(error) && error.retryable) throw error;
    await session.execute("rollback to savepoint millrace_upsert");
    return await onFailure(error);
  }
}

/** Rows are replaced whole: what the new one lacks is its default, but the number that a row gave itself stays. */
function replacement({ schema, columns, identities }: StageTarget): string {
  return schema.columns
    .filter(({ name, generated }) => generated !== true && (columns.includes(name) || !identities.has(name)))
    .map(({ name }) => `${quotedName(name)} = ${columns.includes(name) ? `excluded.${quotedName(name)}` : "default"}`)
    .join(", ");
}
