import type { Data, RecordBatch } from "apache-arrow";

/** A batch as it crosses to the worker: the buffers of its columns, in order, without a trace of Arrow. */
export interface WireBatch {
  readonly rowCount: number;
  readonly columns: readonly WireColumn[];
}

/** The buffers of one Arrow column. What each of them holds follows from the column's type. */
export interface WireColumn {
  /** A set bit is a value, a clear one a null; absent when there are no nulls. Starts at `firstBit`. */
  readonly validity: Uint8Array | null;
  /** Where the first row is in the bitmaps: in `validity`, and in the values of a boolean. */
  readonly firstBit: number;
  readonly values: ArrayBufferView;
  /** Where each text or byte string begins and ends, counted from `offsets[0]`. */
  readonly offsets: Int32Array | null;
  /** The texts that the values are numbers of, for an enum. */
  readonly dictionary: readonly string[] | null;
}

/** Takes batches, one after the other. */
export type SendRows = (batch: RecordBatch) => void;

/** A batch for `postMessage`, and the buffers that it takes along: the batch cannot be read any more. */
export function wireBatch(batch: RecordBatch): { readonly batch: WireBatch; readonly transfer: ArrayBuffer[] } {
  const transfer = new Set<ArrayBuffer>();
  const columns = batch.data.children.map((column) => wireColumn(column, transfer));
  return { batch: { rowCount: batch.numRows, columns }, transfer: [...transfer] };
}

function wireColumn(column: Data, transfer: Set<ArrayBuffer>): WireColumn {
  const offsets = (column.valueOffsets ?? null) as Int32Array | null;
  const values = (column.values ?? new Uint8Array(0)) as ArrayBufferView & { slice?(): ArrayBufferView };
  const range = offsets ? textRange(values as Uint8Array, offsets, column.length) : values;
  return {
    // A column of type NULL has nulls and no bitmap.
    validity: column.nullCount > 0 && column.nullBitmap ? column.nullBitmap.slice() : null,
    firstBit: column.offset,
    // Slices of one batch share its bitmaps whole, so these are always copied.
    values: Number(column.typeId) === BOOL ? (values as Uint8Array).slice() : owned(range, transfer),
    offsets: offsets && owned(offsets, transfer),
    dictionary: column.dictionary ? (column.dictionary.toJSON() as string[]) : null,
  };
}

/** Arrow's own number of its type Bool, whose values are bits. */
const BOOL = 6;

/** A slice of a batch keeps the bytes of the whole batch, and its offsets tell where in them it lies. */
function textRange(bytes: Uint8Array, offsets: Int32Array, length: number): Uint8Array {
  return bytes.subarray(offsets[0], offsets[length]);
}

/** A buffer is moved when the view is all of it, and copied when other columns or slices have their part of it. */
function owned<V extends ArrayBufferView & { slice?(): ArrayBufferView }>(view: V, transfer: Set<ArrayBuffer>): V {
  const whole = view.byteOffset === 0 && view.byteLength === view.buffer.byteLength;
  if (whole && view.buffer instanceof ArrayBuffer) transfer.add(view.buffer);
  return whole ? view : ((view.slice?.() ?? view) as V);
}
