import type { DataType } from "./data-type.js";
import type { ParameterValue } from "./job-definition.js";

/** A condition on the rows of one table, of its own columns and constants, as SQL means it: a null is neither true nor false. */
export type RowFilter =
  | {
      readonly kind: "compare";
      readonly column: string;
      readonly operator: "=" | "<>" | "<" | "<=" | ">" | ">=";
      readonly value: FilterValue;
    }
  | { readonly kind: "in"; readonly column: string; readonly values: readonly FilterValue[] }
  | { readonly kind: "is_null" | "is_not_null"; readonly column: string }
  | { readonly kind: "and" | "or"; readonly parts: readonly RowFilter[] };

/** A constant of a filter, never null. */
export interface FilterValue {
  readonly type: DataType;
  /** In the exact form of parameters (docs/parameters.md): 64-bit integers, decimals, dates and instants are texts. */
  readonly value: ParameterValue;
}
