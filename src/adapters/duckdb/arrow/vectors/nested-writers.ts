import duckdb, { type Vector } from "@duckdb/node-bindings";
import type { Data } from "apache-arrow";
import { repeatBits } from "../../../arrow/bitmap.js";
import { numbers } from "./string-writer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { rowsWithValue, type VectorWriter, writeBytes, writeValidity } from "./vector-writer.js";

const ENTRY_WORDS = 4;

/** Writes lists, and maps, which DuckDB keeps as lists of structs. */
export function listWriter(item: VectorWriter): VectorWriter {
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    const offsets = numbers(data.valueOffsets as Int32Array, start, count + 1);
    const first = offsets[0]!;
    const items = offsets[count]! - first;
    const child = childOf(data, 0);
    if (!(first >= 0 && items >= 0 && first + items <= child.length)) {
      throw new RangeError("An Arrow list has offsets outside of its items.");
    }
    // An entry is two 64-bit numbers, the offset of the first item and the number of items.
    const entries = new Uint32Array(count * ENTRY_WORDS);
    for (let row = 0; row < count; row++) {
      const length = offsets[row + 1]! - offsets[row]!;
      if (length < 0) throw new RangeError("An Arrow list has offsets that fall.");
      entries[row * ENTRY_WORDS] = offsets[row]! - first;
      entries[row * ENTRY_WORDS + 2] = length;
    }
    duckdb.list_vector_reserve(vector, items);
    duckdb.list_vector_set_size(vector, items);
    if (items > 0) item(duckdb.list_vector_get_child(vector), child, first, items, null);
    writeBytes(vector, new Uint8Array(entries.buffer));
    writeValidity(vector, valid, count);
  };
}

/** Writes the entries of maps. DuckDB's maps have no null keys; that keys are unique is not checked. */
export function mapEntryWriter(key: VectorWriter, value: VectorWriter, column: string): VectorWriter {
  const entry = structWriter([key, value]);
  return (vector, data, start, count, mask) => {
    if (rowsWithValue(childOf(data, 0), start, count, mask) !== null) {
      throw unmovableValue(column, "a map has a key that is null");
    }
    entry(vector, data, start, count, mask);
  };
}

/** Writes lists of one fixed length. */
export function arrayWriter(item: VectorWriter, length: number): VectorWriter {
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    const child = checkedChild(data, 0, (start + count) * length);
    const itemMask = repeatBits(valid, count, length);
    item(duckdb.array_vector_get_child(vector), child, start * length, count * length, itemMask);
    writeValidity(vector, valid, count);
  };
}

/** Writes structs, and unions, which DuckDB keeps as structs of the tag and every member. */
export function structWriter(fields: readonly VectorWriter[]): VectorWriter {
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    fields.forEach((field, index) => {
      const child = checkedChild(data, index, start + count);
      // DuckDB reads a field without asking whether its struct is null.
      field(structChild(vector, index), child, start, count, valid);
    });
    writeValidity(vector, valid, count);
  };
}

function structChild(vector: Vector, index: number): Vector {
  return duckdb.struct_vector_get_child(vector, index);
}

function childOf(data: Data, index: number): Data {
  const child = data.children[index];
  if (child === undefined) throw new RangeError("A nested Arrow column has fewer children than its type says.");
  return child;
}

function checkedChild(data: Data, index: number, length: number): Data {
  const child = childOf(data, index);
  if (child.length < length) throw new RangeError("A nested Arrow column has a child that is too short.");
  return child;
}
