import { Worker } from "node:worker_threads";
import {
  BufferType,
  Data,
  DataType as Arrow,
  type DataType as ArrowType,
  type RecordBatch,
  type Schema,
} from "apache-arrow";
import { columnValues } from "../../../model/batch-values.js";
import { type DataType, formatDataType } from "../../../model/data-type.js";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { convertData, TimeOutOfRange } from "../encoding/convert-data.js";
import { emptyValues } from "../encoding/null-data.js";
import { dataTypeOf, lanceField } from "../lance-types.js";
import type { KeyColumn, KeyFinding } from "./key-index.js";
import type { KeyReply, KeyRequest } from "./key-messages.js";
import workerSource from "./key-worker.ts?worker-source";

/** What is checked: the keys of an upsert, in a table of this schema, in rows of that one. */
export interface KeyedWrite {
  readonly keys: readonly string[];
  readonly target: Schema;
  readonly source: TableSchema;
  readonly table: string;
}

interface KeyPart {
  readonly name: string;
  readonly index: number;
  readonly from: DataType;
  readonly to: DataType;
  readonly type: ArrowType;
}

/**
 * Looks at the keys of an upsert's rows while these are staged: Lance would insert two new rows of one key both, and
 * never match a null.
 */
export class KeyCheck {
  readonly #parts: readonly KeyPart[];
  readonly #worker: Worker;
  readonly #finding: Promise<KeyFinding>;
  #rows = 0;

  /** @throws JobError `destination_failed` when a key is no column, or one that Lance or the bytes of its values cannot compare. */
  constructor(private readonly write: KeyedWrite) {
    this.#parts = write.keys.map((key) => this.#part(key));
    this.#worker = new Worker(workerSource, {
      eval: true,
      workerData: { requireFrom: import.meta.url },
      // Not the host's own flags: a loader of TypeScript, say, would run in every thread.
      execArgv: [],
      name: "millrace-lance-keys",
    });
    this.#finding = new Promise((resolve, reject) => {
      this.#worker.once("message", (reply: KeyReply) => resolve(reply));
      this.#worker.once("error", reject);
      this.#worker.once("exit", () => reject(new Error("The thread that compares keys ended.")));
    });
    // A failed write does not wait for it.
    this.#finding.catch(() => undefined);
  }

  /** @throws JobError `destination_failed` for a null in a key. */
  add(batch: RecordBatch): void {
    const columns = this.#parts.map((part) => {
      const data = this.#converted(batch, part);
      if (data.nullCount > 0) throw this.#refused(part.name, `a row of the query has a null in the key "${part.name}"`);
      return keyColumn(data);
    });
    this.#rows += batch.numRows;
    this.#post({ do: "add", columns, rows: batch.numRows }, columns);
  }

  /**
   * The numbers of the rows that a later one with the same key replaces.
   *
   * @throws JobError `destination_failed` when there are any and `onDuplicate` is `refuse`.
   */
  async finish(onDuplicate: "refuse" | "keepLast"): Promise<Int32Array> {
    if (this.#rows === 0) return new Int32Array(0);
    this.#post({ do: "finish" }, []);
    const { duplicates, example, superseded } = await this.#finding;
    if (duplicates === 0 || onDuplicate === "keepLast") return superseded;
    const shown = this.#parts.map((part, index) => `${part.name} = ${keyText(part, example?.[index])}`).join(", ");
    throw this.#refused(
      this.#parts.map(({ name }) => name).join(", "),
      `${duplicates} of ${this.#rows} rows have the key of an earlier row, such as ${shown}`,
    );
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #converted(batch: RecordBatch, { name, index, from, to, type }: KeyPart): Data {
    try {
      return convertData(batch.data.children[index]!, from, to, type);
    } catch (error) {
      throw error instanceof TimeOutOfRange ? this.#refused(name, `the key "${name}" ${error.message}`) : error;
    }
  }

  #part(key: string): KeyPart {
    const { source, target } = this.write;
    const index = source.columns.findIndex(({ name }) => name === key);
    const field = target.fields.find(({ name }) => name === key);
    const column = source.columns[index];
    if (column === undefined || field === undefined)
      throw this.#refused(key, `the query yields no key column "${key}"`);
    // Lance cannot find it, and says so only at the commit.
    if (key.includes('"')) throw this.#refused(key, `a column with a quotation mark such as ${key} cannot be a key`);
    const to = dataTypeOf(field);
    if (!KEY_KINDS.has(to.kind)) throw this.#refused(key, `a ${formatDataType(to)} such as "${key}" cannot be a key`);
    return { name: key, index, from: column.type, to, type: lanceField(key, to).type as ArrowType };
  }

  #post(request: KeyRequest, columns: readonly KeyColumn[]): void {
    const buffers = columns.flatMap((column) =>
      "offsets" in column ? [column.offsets, column.bytes] : [column.bytes],
    );
    this.#worker.postMessage(
      request,
      buffers.map(({ buffer }) => buffer as ArrayBuffer),
    );
  }

  #refused(column: string, reason: string): JobError {
    return new JobError("destination_failed", {
      message: `The upsert into the Lance table "${this.write.table}" was refused: ${reason}. Nothing was written.`,
      hint: 'Make the keys unique and not null in the query; or give onDuplicate: "keepLast", if the last row of a key counts.',
      retryable: false,
      table: this.write.table,
      columns: [column],
    });
  }
}

/** Those of which two values are equal exactly when their bytes are. */
const KEY_KINDS: ReadonlySet<DataType["kind"]> = new Set([
  "boolean",
  "integer",
  "decimal",
  "text",
  "bytes",
  "uuid",
  "date",
  "time",
  "timestamp",
]);

/** Copies: the batch itself is still to be written. */
function keyColumn(data: Data): KeyColumn {
  if (Arrow.isBool(data.type)) {
    return { kind: "bits", offset: data.offset, bytes: (data.values as Uint8Array).slice() };
  }
  const { buffer, byteOffset, byteLength } = data.values as ArrayBufferView;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const offsets = data.valueOffsets as Int32Array | undefined;
  if (offsets === undefined) {
    const width = emptyValues(data.type, 1).byteLength;
    return { kind: "fixed", width, bytes: bytes.slice(0, width * data.length) };
  }
  const first = offsets[0]!;
  return {
    kind: "texts",
    offsets: offsets.slice(0, data.length + 1).map((offset) => offset - first),
    bytes: bytes.slice(first, offsets[data.length]),
  };
}

function keyText({ to, type }: KeyPart, bytes: Uint8Array = new Uint8Array()): string {
  const isText = Arrow.isUtf8(type) || Arrow.isBinary(type);
  const one = isText ? undefined : emptyValues(type, 1);
  if (one) new Uint8Array(one.buffer).set(bytes);
  const buffers = one
    ? { [BufferType.DATA]: one }
    : { [BufferType.OFFSET]: Int32Array.of(0, bytes.length), [BufferType.DATA]: bytes };
  const [value] = columnValues(new Data(type, 0, 1, 0, buffers), to);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
