import type { DataType } from "../model/data-type.js";
import type { ParameterValue } from "../model/job-definition.js";

/** A checked value, ready for the ledger and the engine. `docs/parameters.md` has the forms of `value`. */
export interface BoundValue {
  /** Null: the engine infers the type where the parameter stands. Only inferred strings and nulls. */
  readonly type: DataType | null;
  readonly value: ParameterValue;
  /** To be kept out of ledger, events, errors and logs. */
  readonly secret: boolean;
}
