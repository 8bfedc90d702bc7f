import type { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import type { TableSchema } from "../../model/table-schema.js";

/**
 * Lets go of the texts of a chunk that has been read.
 *
 * A chunk is freed when the garbage collector finds its handle, which weighs nothing to the collector and may hold a
 * hundred megabytes of texts. A vector that refers to a null holds none. The chunk cannot be read afterwards.
 */
export function freeTexts(chunk: DuckDBDataChunk, schema: TableSchema): void {
  const nothing = duckdb.create_null_value();
  schema.columns.forEach(({ type }, index) => {
    if (type.kind === "text" || type.kind === "json" || type.kind === "bytes") {
      duckdb.vector_reference_value(duckdb.data_chunk_get_vector(chunk.chunk, index), nothing);
    }
  });
}
