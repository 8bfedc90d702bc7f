import { BufferType, Data, DataType as Arrow, RecordBatch } from "apache-arrow";

/** The rows of a batch with these numbers, in that order, as a batch of its own. */
export function takeRows(batch: RecordBatch, rows: Int32Array): RecordBatch {
  const children = batch.data.children.map((column) => takeData(column, rows));
  return new RecordBatch(batch.schema, new Data(batch.data.type, 0, rows.length, 0, {}, children));
}

function takeData(data: Data, rows: Int32Array): Data {
  const type = data.type;
  const make = (buffers: object, children: Data[] = []): Data => {
    const validity = data.nullCount > 0 ? takeBits(data.nullBitmap, data.offset, rows) : undefined;
    const all = { ...(validity && { [BufferType.VALIDITY]: validity }), ...buffers };
    return new Data(type, 0, rows.length, validity ? -1 : 0, all, children, data.dictionary);
  };
  const children = data.children as readonly Data[];
  if (Arrow.isNull(type)) return new Data(type, 0, rows.length, rows.length);
  if (Arrow.isBool(type)) return make({ [BufferType.DATA]: takeBits(data.values as Uint8Array, data.offset, rows) });
  if (Arrow.isStruct(type)) {
    return make(
      {},
      children.map((part) => takeData(part, rows)),
    );
  }
  if (Arrow.isFixedSizeList(type)) return make({}, [takeData(children[0]!, spread(rows, type.listSize))]);
  if (Arrow.isList(type)) {
    const { offsets, items } = takeRanges(data.valueOffsets as Int32Array, rows);
    return make({ [BufferType.OFFSET]: offsets }, [takeData(children[0]!, items)]);
  }
  if (Arrow.isUtf8(type) || Arrow.isBinary(type)) return make(takeBytes(data, rows));
  return make({ [BufferType.DATA]: takeFixed(data.values as NumberArray, data.stride, rows) });
}

function takeBits(bits: Uint8Array, offset: number, rows: Int32Array): Uint8Array {
  const taken = new Uint8Array((rows.length + 7) >> 3);
  for (let index = 0; index < rows.length; index++) {
    const at = offset + rows[index]!;
    if (((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0) taken[index >> 3]! |= 1 << (index & 7);
  }
  return taken;
}

type NumberArray = Uint8Array | Int32Array | Float64Array;

/** Values of `stride` numbers each. The arrays of 64-bit numbers have the same methods as the others. */
function takeFixed(values: NumberArray, stride: number, rows: Int32Array): ArrayBufferView {
  const taken = values.slice(0, 0).constructor as new (length: number) => NumberArray;
  const out = new taken(rows.length * stride);
  for (let index = 0; index < rows.length; index++) {
    const from = rows[index]! * stride;
    if (stride === 1) out[index] = values[from]!;
    else out.set(values.subarray(from, from + stride), index * stride);
  }
  return out;
}

function takeBytes(data: Data, rows: Int32Array): object {
  const source = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  const offsets = takeOffsets(source, rows);
  const taken = new Uint8Array(offsets[rows.length]!);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    taken.set(bytes.subarray(source[row], source[row + 1]), offsets[index]);
  }
  return { [BufferType.OFFSET]: offsets, [BufferType.DATA]: taken };
}

function takeRanges(source: Int32Array, rows: Int32Array): { offsets: Int32Array; items: Int32Array } {
  const offsets = takeOffsets(source, rows);
  const items = new Int32Array(offsets[rows.length]!);
  for (let index = 0; index < rows.length; index++) {
    const shift = source[rows[index]!]! - offsets[index]!;
    for (let at = offsets[index]!; at < offsets[index + 1]!; at++) items[at] = at + shift;
  }
  return { offsets, items };
}

function takeOffsets(source: Int32Array, rows: Int32Array): Int32Array {
  const offsets = new Int32Array(rows.length + 1);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    offsets[index + 1] = offsets[index]! + source[row + 1]! - source[row]!;
  }
  return offsets;
}

/** The items of fixed lists. */
function spread(rows: Int32Array, size: number): Int32Array {
  return Int32Array.from({ length: rows.length * size }, (_, at) => rows[Math.floor(at / size)]! * size + (at % size));
}
