import { BIGINT, type DuckDBDataChunk, DuckDBTableFunction } from "@duckdb/node-api";
import type { RecordBatch, Schema } from "apache-arrow";
import { BufferBin } from "../arrow/buffer-bin.js";
import { ArrowChunkWriter } from "./arrow/arrow-chunk-writer.js";
import { runError } from "./engine-error.js";

/** What goes into DuckDB between two turns of the event loop. */
const ROWS_PER_TURN = 2_048;
const VALUES_PER_TURN = 32_768;
const BYTES_PER_TURN = 1_048_576;

const NAME = "millrace_fed";

/**
 * Arrow batches as a table of an instance: `millrace_fed(n)`. A statement that reads it works on DuckDB's own threads, and asks
 * the event loop for a few rows at a time; what it does with them costs the host nothing.
 *
 * No query can name it: it is not among the functions that one may call.
 */
export class FedBatches {
  /** To be registered once, with a connection of the instance. */
  readonly tableFunction: DuckDBTableFunction;
  private readonly bin = new BufferBin();
  private readonly feeds = new Map<bigint, Feed>();
  private count = 0n;

  constructor() {
    this.tableFunction = DuckDBTableFunction.create({
      name: NAME,
      parameterTypes: [BIGINT],
      bindFunction: (info) => {
        const id = info.getParameter(0);
        const feed = typeof id === "bigint" ? this.feeds.get(id) : undefined;
        if (feed === undefined) return info.setError("These rows are not there any more.");
        for (const [index, type] of feed.types.entries()) info.addResultColumn(`c${index}`, type);
        info.setBindData(feed);
      },
      // Rows keep their order, and the event loop can write only one chunk at a time.
      initFunction: (info) => info.setMaxThreads(1),
      mainFunction: (info, chunk) => {
        const feed = info.getBindData() as Feed;
        if (!feed.write(chunk)) info.setError("These rows cannot be taken.");
      },
    });
  }

  /**
   * @param areOurs nobody else reads the batches: their memory is freed once they are written.
   * @throws JobError `unsupported_query`, with `columns`, when a column cannot be moved exactly.
   */
  open(schema: Schema, areOurs: boolean): Feed {
    this.count += 1n;
    const id = this.count;
    const relation = `${NAME}(${id})`;
    const feed = new Feed(schema, areOurs ? this.bin : undefined, relation, () => this.feeds.delete(id));
    this.feeds.set(id, feed);
    return feed;
  }
}

/** Batches of one schema, for one statement after another. */
export class Feed {
  private readonly writer: ArrowChunkWriter;
  private batches: Iterator<RecordBatch> = [].values();
  private batch: RecordBatch | undefined;
  private start = 0;
  private failure: { readonly error: unknown } | undefined;

  /** @param relation stands in FROM. */
  constructor(
    schema: Schema,
    private readonly bin: BufferBin | undefined,
    readonly relation: string,
    readonly close: () => void,
  ) {
    this.writer = new ArrowChunkWriter(schema);
  }

  get types(): ArrowChunkWriter["types"] {
    return this.writer.types;
  }

  /**
   * Runs a statement that reads all of these batches.
   *
   * @throws JobError, such as `resource_limit_exceeded` where the rows do not fit, and what a batch itself is refused for.
   */
  async through(batches: readonly RecordBatch[], statement: (relation: string) => Promise<unknown>): Promise<void> {
    this.batches = batches.values();
    this.batch = undefined;
    try {
      await statement(this.relation);
    } catch (error) {
      throw this.failure ? this.failure.error : runError(error);
    }
  }

  /** Writes the next rows into a chunk: none, when there are no more. Gives false when they cannot be written. */
  write(chunk: DuckDBDataChunk): boolean {
    try {
      chunk.rowCount = 0;
      while (this.batch === undefined || this.start === this.batch.numRows) {
        if (this.batch !== undefined) this.bin?.freeBatch(this.batch);
        const next = this.batches.next();
        if (next.done === true) return true;
        this.batch = next.value;
        this.start = 0;
      }
      const count = Math.min(rowsPerTurn(this.batch), this.batch.numRows - this.start);
      this.writer.write(chunk, this.batch, this.start, count);
      this.start += count;
      return true;
    } catch (error) {
      this.failure = { error };
      return false;
    }
  }
}

function rowsPerTurn({ numRows, numCols, data }: RecordBatch): number {
  const bytesPerRow = Math.max(1, data.byteLength / Math.max(1, numRows));
  const most = Math.min(ROWS_PER_TURN, VALUES_PER_TURN / numCols, BYTES_PER_TURN / bytesPerRow);
  return Math.max(1, Math.floor(most));
}
