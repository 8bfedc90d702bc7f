import type { DataType } from "./data-type.js";

/** What a table holds, or what a query yields: named columns in order. */
export interface TableSchema {
  readonly columns: readonly Column[];
}

/** One column. Every flag but `nullable` is absent where it does not apply. */
export interface Column {
  readonly name: string;
  readonly type: DataType;
  /** False only where the system refuses a null. A query's columns are always nullable. */
  readonly nullable: boolean;
  /** A row may leave the column out: it has a default, an identity, or the system fills it. */
  readonly hasDefault?: boolean;
  /** The system computes the value: it cannot be written. */
  readonly generated?: boolean;
  /** The type as the system itself spells it, for messages. */
  readonly nativeType?: string;
}
