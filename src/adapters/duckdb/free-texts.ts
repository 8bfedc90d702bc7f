import type { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import type { DataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";

type Kind = DataType["kind"];

/** Whether a chunk of these columns may be of any size: 2,048 texts of 50 KB are 100 MB. */
export function holdsTexts({ columns }: TableSchema): boolean {
  return columns.some(({ type }) => TEXTS.has(type.kind) || NESTED.has(type.kind));
}

/**
 * Lets go of the texts of a chunk that has been read.
 *
 * A chunk is freed when the garbage collector finds its handle, which weighs nothing to the collector. A vector that
 * refers to a null holds no texts; one with parts of its own cannot. The chunk cannot be read afterwards.
 */
export function freeTexts(chunk: DuckDBDataChunk, { columns }: TableSchema): void {
  const nothing = duckdb.create_null_value();
  columns.forEach(({ type }, index) => {
    if (!TEXTS.has(type.kind)) return;
    duckdb.vector_reference_value(duckdb.data_chunk_get_vector(chunk.chunk, index), nothing);
  });
}

const TEXTS: ReadonlySet<Kind> = new Set<Kind>(["text", "json", "bytes", "bit", "bignum"]);
const NESTED: ReadonlySet<Kind> = new Set<Kind>(["list", "array", "struct", "map", "union"]);
