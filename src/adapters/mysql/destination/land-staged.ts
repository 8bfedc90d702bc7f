import type { KeyedMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import { refuseCascade } from "./staged-deletion.js";
import { dropRepeated, hasUniqueIndex, joinedByKey, refuseRepeated } from "./staged-keys.js";
import { insertStaged, type Staged, type StagedWrite } from "./staged-rows.js";

/** Puts staged rows into their table, as the mode says. No other run of this mode works on the table meanwhile. */
export async function landStaged(staged: Staged, mode: KeyedMode): Promise<StagedWrite> {
  if (mode.kind === "deleteInsert") {
    await deleteReplaced(staged, mode);
    return { written: await insertStaged(staged), expected: staged.rows };
  }
  const expected = staged.rows - (await withoutRepeated(staged, mode));
  if (mode.kind === "upsert") {
    if (await hasUniqueIndex(staged, mode)) return replaceInPlace(staged, mode, expected);
    await deleteReplaced(staged, mode);
    return { written: await insertStaged(staged), expected };
  }
  const leftOut = await dropPresent(staged, mode);
  return { written: await insertStaged(staged), expected: expected - leftOut };
}

/** @returns how many rows were dropped for another with the same key. */
async function withoutRepeated(staged: Staged, mode: Exclude<KeyedMode, { kind: "deleteInsert" }>): Promise<number> {
  const { onDuplicate = "refuse" } = mode;
  if (onDuplicate !== "refuse") return dropRepeated(staged, mode, onDuplicate);
  await refuseRepeated(staged, mode);
  return 0;
}

/** So that rows of other tables that point at them are not touched. */
async function replaceInPlace(staged: Staged, mode: KeyedMode, expected: number): Promise<StagedWrite> {
  await staged.session.execute(`update ${joinedByKey(staged, mode)} set ${replacement(staged)}`);
  const replaced = await dropPresent(staged, mode);
  return { written: replaced + (await insertStaged(staged)), expected };
}

/** Rows are replaced whole: what the new one lacks is its default, but the number that a row gave itself stays. */
function replacement({ shape, columns }: Staged): string {
  return shape.schema.columns
    .filter(({ name, generated }) => generated !== true && (columns.includes(name) || name !== shape.numbered))
    .map(({ name }) => `t.${quotedName(name)} = ${columns.includes(name) ? `s.${quotedName(name)}` : "default"}`)
    .join(", ");
}

async function deleteReplaced(staged: Staged, mode: KeyedMode): Promise<void> {
  await refuseCascade(staged.session, staged.place, mode.kind);
  await staged.session.execute(`delete t from ${joinedByKey(staged, mode)}`);
}

/** Drops the staged rows whose key the table has. @returns how many. */
function dropPresent(staged: Staged, mode: KeyedMode): Promise<number> {
  return staged.session.execute(`delete s from ${joinedByKey(staged, mode)}`);
}
