import { type DataType, formatDataType } from "../../model/data-type.js";
import type { QueryTemplate } from "../../model/job-definition.js";

/** A query as DuckDB reads it. */
export interface RenderedQuery {
  readonly sql: string;
  /** The name under which DuckDB knows each parameter, by the name in the template. */
  readonly slots: ReadonlyMap<string, string>;
}

/**
 * Puts a DuckDB parameter in the place of each `{name}`, cast to its type, so that a null and a text keep the declared
 * type. A parameter without a type stands bare, for DuckDB to infer. Line breaks stay where they are: an error's line is
 * the user's.
 *
 * @param asNull parameters that stand as a NULL of no type instead.
 * @param place how a parameter of this name is spelled.
 */
export function renderQuery(
  template: QueryTemplate,
  types: ReadonlyMap<string, DataType | null>,
  asNull: ReadonlySet<string> = new Set(),
  place: (slot: string) => string = (slot) => `$${slot}`,
): RenderedQuery {
  const slots = new Map<string, string>();
  let sql = "";
  for (const segment of template) {
    if ("text" in segment) {
      sql += segment.text;
      continue;
    }
    const name = segment.parameter;
    if (asNull.has(name)) {
      sql += "NULL";
      continue;
    }
    let slot = slots.get(name);
    if (slot === undefined) {
      slot = `p${slots.size + 1}`;
      slots.set(name, slot);
    }
    sql += placed(place(slot), types.get(name) ?? null);
  }
  return { sql, slots };
}

function placed(parameter: string, type: DataType | null): string {
  if (type === null) return parameter;
  const cast = `cast(${parameter} as ${formatDataType(type)})`;
  // `x in (list)` would compare x with the whole list; the parentheses serve `interval (n) day` and the like.
  return type.kind === "list" ? cast : `(${cast})`;
}
