import { BIGINT, type DuckDBDataChunk, DuckDBTableFunction } from "@duckdb/node-api";
import { type RecordBatch, type Schema, util } from "apache-arrow";
import { BufferBin } from "../arrow/buffer-bin.js";
import { ArrowChunkWriter } from "./arrow/arrow-chunk-writer.js";
import { runError } from "./engine-error.js";

/** What goes into DuckDB at once. */
const ROWS_PER_CHUNK = 2_048;
const VALUES_PER_CHUNK = 32_768;
const BYTES_PER_CHUNK = 1_048_576;
/** Chunks full of values, or of bytes, between two turns of the event loop: a few milliseconds' worth. */
const CHUNKS_PER_TURN = 8;
/** What a statement takes even so: to begin the next one costs as much as a few of them. */
const CHUNKS_PER_STATEMENT = 4;

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
  private readonly turn = new Turn();
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
    const feed = new Feed(schema, this.turn, areOurs ? this.bin : undefined, relation, () => this.feeds.delete(id));
    this.feeds.set(id, feed);
    return feed;
  }
}

/**
 * What was written since the event loop turned last. It does not turn after each chunk: a call that comes before the driver is
 * done with the last one is taken at once, up to a thousand in a row, and of several loads one mostly does.
 */
class Turn {
  private chunks = 0;

  get isOver(): boolean {
    return this.chunks >= CHUNKS_PER_TURN;
  }

  add(chunks: number): void {
    if (this.chunks === 0) setImmediate(() => (this.chunks = 0));
    this.chunks += chunks;
  }
}

/** Batches of the same columns, for one statement after another. */
export class Feed {
  private writer: ArrowChunkWriter;
  private batches: Iterator<RecordBatch> = [].values();
  private batch: RecordBatch | undefined;
  private start = 0;
  /** What the statement has taken. */
  private chunks = 0;
  /** The statement was told that there are no more rows, so that the event loop turns. */
  private isCut = false;
  private failure: { readonly error: unknown } | undefined;

  /** @param relation stands in FROM. */
  constructor(
    private schema: Schema,
    private readonly turn: Turn,
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
   * Runs a statement that reads all of these batches: once, or several times, each time with the next ones.
   *
   * @throws JobError, such as `resource_limit_exceeded` where the rows do not fit, and what a batch itself is refused for.
   */
  async through(batches: readonly RecordBatch[], statement: (relation: string) => Promise<unknown>): Promise<void> {
    this.batches = batches.values();
    this.batch = undefined;
    try {
      do {
        this.chunks = 0;
        this.isCut = false;
        await statement(this.relation);
      } while (this.isCut);
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
        this.writeAs(next.value.schema);
      }
      this.isCut = this.turn.isOver && this.chunks >= CHUNKS_PER_STATEMENT;
      if (this.isCut) return true;
      const perRow = chunksPerRow(this.batch);
      const most = Math.min(ROWS_PER_CHUNK, Math.max(1, Math.floor(1 / perRow)));
      const count = Math.min(most, this.batch.numRows - this.start);
      this.writer.write(chunk, this.batch, this.start, count);
      this.start += count;
      this.chunks += count * perRow;
      this.turn.add(count * perRow);
      return true;
    } catch (error) {
      this.failure = { error };
      return false;
    }
  }

  /** One type of DuckDB's may come in several of Arrow's: instants in another unit, texts with a dictionary or without. */
  private writeAs(schema: Schema): void {
    if (schema === this.schema || util.compareSchemas(schema, this.schema)) return;
    this.writer = new ArrowChunkWriter(schema);
    this.schema = schema;
  }
}

/** How much of a chunk a row takes. */
function chunksPerRow({ numRows, numCols, data }: RecordBatch): number {
  return Math.max(numCols / VALUES_PER_CHUNK, data.byteLength / numRows / BYTES_PER_CHUNK);
}
