import type { DestinationDefinition } from "../model/job-definition.js";
import type { KeyColumns, WriteMode, WriteModeKind } from "../model/write-mode.js";
import { DefinitionFields } from "./definition-fields.js";
import type { DefinitionProblems } from "./definition-problems.js";
import { nameProblem } from "./job-names.js";
import { kindOf } from "./plain-value.js";

/** How rows meet what the table holds: a kind alone, or with what it needs. */
export type WriteModeSpec =
  | "append"
  | "overwrite"
  | { readonly kind: "append" | "overwrite" }
  | {
      readonly kind: "upsert";
      /** The columns that tell rows apart. */
      readonly keys: readonly string[];
      /** Two rows of one run with the same key: refused, or the later one counts. Default `refuse`. */
      readonly onDuplicate?: "refuse" | "keepLast";
    }
  | {
      readonly kind: "deleteInsert";
      /** The columns by which rows of the table are found and deleted. Rows of one run may share them. */
      readonly keys: readonly string[];
    }
  | {
      readonly kind: "insertOnly";
      /** The columns that tell rows apart. */
      readonly keys: readonly string[];
      /** Two rows of one run with the same key: refused, or the earlier one counts. Default `refuse`. */
      readonly onDuplicate?: "refuse" | "keepFirst";
    };

export interface DestinationSpec {
  /** `<connection>.<table>`. */
  readonly table: string;
  /** Default `append`. */
  readonly mode?: WriteModeSpec;
  /** Make the table when it is not there. Default: what the destination's kind is used to. */
  readonly createIfMissing?: boolean;
}

const LONGEST_TABLE = 500;

export function readDestination(spec: unknown, path: string, problems: DefinitionProblems): DestinationDefinition {
  const fields = new DefinitionFields(spec, path, ["table", "mode", "createIfMissing"], problems);
  const table = fields.get("table");
  const problem = nameProblem(table, LONGEST_TABLE);
  if (problem !== undefined) fields.add("table", problem);
  const mode = readMode(fields, problems);
  const createIfMissing = fields.flag("createIfMissing");
  return { table: String(table), mode, ...(createIfMissing === undefined ? {} : { createIfMissing }) };
}

const KINDS = [
  "append",
  "overwrite",
  "upsert",
  "deleteInsert",
  "insertOnly",
] as const satisfies readonly WriteModeKind[];

function readMode(destination: DefinitionFields, problems: DefinitionProblems): WriteMode {
  const mode = destination.has("mode") ? destination.get("mode") : "append";
  if (typeof mode !== "string") return readModeObject(mode, destination.at("mode"), problems);
  const kind = destination.choice("mode", KINDS) ?? "append";
  if (kind === "append" || kind === "overwrite") return { kind };
  destination.add("mode", `needs its keys: { kind: "${kind}", keys: ["id"] }`);
  return { kind: "append" };
}

function readModeObject(mode: unknown, path: string, problems: DefinitionProblems): WriteMode {
  const fields = new DefinitionFields(mode, path, ["kind", "keys", "onDuplicate"], problems);
  const kind = fields.choice("kind", KINDS);
  switch (kind) {
    case "upsert":
      return {
        kind,
        keys: readKeys(fields),
        onDuplicate: fields.choice("onDuplicate", ["refuse", "keepLast"]) ?? "refuse",
      };
    case "insertOnly":
      return {
        kind,
        keys: readKeys(fields),
        onDuplicate: fields.choice("onDuplicate", ["refuse", "keepFirst"]) ?? "refuse",
      };
    case "deleteInsert":
      if (fields.has("onDuplicate")) fields.add("onDuplicate", "goes with upsert and insertOnly only");
      return { kind, keys: readKeys(fields) };
    case "append":
    case "overwrite":
      if (fields.has("keys")) fields.add("keys", "goes with upsert, deleteInsert and insertOnly only");
      if (fields.has("onDuplicate")) fields.add("onDuplicate", "goes with upsert and insertOnly only");
      return { kind };
    case undefined:
      if (!fields.has("kind")) fields.add("kind", "is missing");
      return { kind: "append" };
  }
}

function readKeys(fields: DefinitionFields): KeyColumns {
  const keys = fields.get("keys");
  if (!Array.isArray(keys) || keys.length === 0) {
    fields.add("keys", `must be an array of column names${keys === undefined ? "" : `, not ${kindOf(keys)}`}`);
    return [""];
  }
  const names = keys.map((key: unknown, i) => {
    const problem = nameProblem(key);
    if (problem !== undefined) fields.add(`keys[${i}]`, problem);
    return String(key);
  });
  // Most systems tell columns apart by more than case.
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) fields.add("keys", "names a column twice");
  const [first = "", ...others] = names;
  return [first, ...others];
}
