import { BufferType, Data, type DataType as ArrowType, type Vector } from "apache-arrow";
import type { Bitmap } from "./bitmap.js";

/** The rows of a column: how many, and which of them are null. */
export interface RowValidity {
  readonly length: number;
  readonly nullCount: number;
  /** Absent when no row is null. */
  readonly nullBitmap?: Bitmap | undefined;
}

/** What a column holds beside its validity; each type has some of these. */
export interface DataParts {
  readonly offsets?: Int32Array;
  readonly values?: ArrayBufferView;
  readonly children?: readonly Data[];
  readonly dictionary?: Vector | undefined;
}

/** Arrow data around buffers, as they are. */
export function arrowData<T extends ArrowType>(type: T, validity: RowValidity, parts: DataParts): Data<T> {
  const { length, nullCount, nullBitmap } = validity;
  const buffers = {
    ...(parts.offsets && { [BufferType.OFFSET]: parts.offsets }),
    ...(parts.values && { [BufferType.DATA]: parts.values }),
    ...(nullBitmap && { [BufferType.VALIDITY]: nullBitmap }),
  };
  return new Data<T>(type, 0, length, nullCount, buffers, parts.children && [...parts.children], parts.dictionary);
}
