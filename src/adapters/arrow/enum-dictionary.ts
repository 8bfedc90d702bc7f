import { Utf8, Vector } from "apache-arrow";
import { arrowData } from "./arrow-data.js";

/** The dictionary of an enum's values, anew for every batch, as each owns its buffers. The values are encoded once. */
export function dictionaryMaker(values: readonly string[]): () => Vector<Utf8> {
  const type = new Utf8();
  const encoded = values.map((value) => Buffer.from(value));
  const bytes = Uint8Array.from(Buffer.concat(encoded));
  const offsets = new Int32Array(values.length + 1);
  encoded.forEach(({ length }, index) => (offsets[index + 1] = offsets[index]! + length));
  const rows = { length: values.length, nullCount: 0 };
  return () => new Vector([arrowData(type, rows, { offsets: offsets.slice(), values: bytes.slice() })]);
}
