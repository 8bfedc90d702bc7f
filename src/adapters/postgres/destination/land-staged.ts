import type { WriteMode } from "../../../model/write-mode.js";
import { deleteRows } from "./staged-deletion.js";
import { insertNew } from "./staged-insert-only.js";
import { isStagedKey } from "./staged-keys.js";
import { insertStaged, type Staged, type StagedWrite } from "./staged-rows.js";
import { upsertStaged } from "./staged-upsert.js";

/** Puts staged rows into their table, as the mode says. */
export async function landStaged(staged: Staged, mode: WriteMode): Promise<StagedWrite> {
  switch (mode.kind) {
    case "append":
      break;
    case "overwrite":
      await deleteRows(staged, mode);
      break;
    case "deleteInsert":
      await deleteRows(staged, mode, isStagedKey(mode));
      break;
    case "upsert":
      return upsertStaged(staged, mode);
    case "insertOnly":
      return insertNew(staged, mode);
  }
  return { written: await insertStaged(staged), expected: staged.rows };
}
