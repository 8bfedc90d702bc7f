import type { RecordBatch } from "apache-arrow";
import { JobError } from "../../../model/job-error.js";
import { refuseMisfit } from "../../../model/table-misfit.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { isKeyed } from "../../../model/write-mode.js";
import { refuseMissingKeys, tableChanged, unfitValue } from "../../../model/write-refusals.js";
import type { WriteRequest } from "../../../ports/job-destination.js";
import { BufferBin } from "../../arrow/buffer-bin.js";
import { refuseNullKeys } from "../../arrow/refuse-null-keys.js";
import { UnfitValue } from "../../arrow/unfit-value.js";
import type { RowLoad } from "../../sql/server-destination.js";
import { LineEncoder } from "../load/line-encoder.js";
import { canBeName } from "../quoted-name.js";
import { readTableShape, type TableShape } from "../table-shape.js";
import { mysqlStorage } from "./column-storage.js";
import { claimCommit, completeCommit } from "./commit-log.js";
import { changeState } from "./job-state.js";
import { landStaged } from "./land-staged.js";
import { LoadedTable } from "./loaded-table.js";
import type { TablePlace } from "./place.js";
import { refuseCascade } from "./staged-deletion.js";
import { columnList, makeStage, STAGE } from "./staged-rows.js";
import { tableDefinition } from "./table-definition.js";
import type { WriteSession } from "./write-session.js";

/** One transaction, which begins with the first rows: a query that thinks for long holds no lock meanwhile. */
export class TableLoad implements RowLoad {
  readonly #bin = new BufferBin();
  #rows = 0;
  #open: Promise<OpenLoad> | undefined;
  #hasMadeTable = false;

  /** @throws JobError `schema_mismatch` when the rows lack a key. */
  constructor(
    private readonly session: WriteSession,
    private readonly place: TablePlace,
    private readonly request: WriteRequest,
    /** Makes what is kept beside the tables. */
    private readonly prepare: () => Promise<void>,
  ) {
    refuseMissingKeys(place.label, request.mode, request.schema);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Whether the table is there for this write alone. */
  get hasMadeTable(): boolean {
    return this.#hasMadeTable;
  }

  async take(batch: RecordBatch): Promise<void> {
    const { loaded, encoder } = await this.#opened();
    refuseNullKeys(this.place.label, this.request.mode, this.request.schema, batch);
    try {
      encoder.open(batch);
      while (encoder.hasMore) await loaded.send(encoder.encode());
    } catch (error) {
      throw error instanceof UnfitValue ? unfitValue(this.place.label, error.column, error.message) : error;
    }
    this.#bin.freeBatch(batch);
    await loaded.endBatch(batch.numRows);
    this.#rows += batch.numRows;
  }

  async stage(): Promise<number> {
    const { session, place, request } = this;
    const { loaded, shape } = await this.#opened();
    await loaded.end();
    const written = isKeyed(request.mode) ? await this.#fromStage(shape) : this.#rows;
    const state = request.state?.();
    if (state) await changeState(session, place.own, place.label, request.commitId, state);
    await completeCommit(session, place.own, request.commitId, written);
    return written;
  }

  async #fromStage(shape: TableShape): Promise<number> {
    const { session, place, request } = this;
    if (!isKeyed(request.mode)) throw new TypeError("a mode without keys was staged");
    const columns = request.schema.columns.map(({ name }) => name);
    const staged = { session, place, shape, columns, rows: this.#rows };
    const { written, expected } = await landStaged(staged, request.mode);
    if (written !== expected) throw this.#skipped(expected - written);
    return written;
  }

  #opened(): Promise<OpenLoad> {
    return (this.#open ??= this.#begin());
  }

  async #begin(): Promise<OpenLoad> {
    const { session, place, request } = this;
    const { mode, schema } = request;
    await this.prepare();
    await session.open();
    const made = await this.#madeIfMissing();
    if (isKeyed(mode)) await makeStage(session, place, made, schema, mode);
    // Of two that replace rows, or look for keys, the second waits; readers and those who add rows do not.
    if (mode.kind !== "append") await session.lock(`the table ${place.name}`);
    await claimCommit(session, place.own, request.commitId, place.label);
    // From here on the table stays as it is until the transaction ends. It is held as a writer holds it: of two that look
    // first and write then, with somebody between them who wants it alone, the server ends one.
    const names = schema.columns.map(({ name }) => name);
    const none = names.map(() => "null").join(", ");
    await session.execute(`insert into ${place.name} (${columnList(names)}) select ${none} from dual limit 0`);
    const shape = await readTableShape(session.query, place);
    this.#refuseMisfit(shape?.schema ?? null);
    if (shape === null || (isKeyed(mode) && JSON.stringify(shape) !== JSON.stringify(made)))
      throw tableChanged(place.label);
    if (mode.kind === "overwrite") {
      await refuseCascade(session, place, mode.kind);
      await session.execute(`delete from ${place.name}`);
    }
    const loaded = new LoadedTable(session, isKeyed(mode) ? STAGE : place.name, schema, shape.schema);
    return { loaded, shape, encoder: new LineEncoder(loaded.columns) };
  }

  /** Before the transaction, since making a table would end it. Of two writers that would make it one does. */
  async #madeIfMissing(): Promise<TableShape> {
    const { session, place, request } = this;
    const found = await readTableShape(session.query, place);
    this.#refuseMisfit(found?.schema ?? null);
    if (found !== null) return found;
    const lock = `making ${place.name}`;
    await session.lock(lock);
    if ((await readTableShape(session.query, place)) === null) {
      await session.execute(tableDefinition(place.name, request.schema, request.mode));
      this.#hasMadeTable = true;
    }
    await session.unlock(lock);
    const made = await readTableShape(session.query, place);
    if (made === null) throw tableChanged(place.label);
    return made;
  }

  #refuseMisfit(existing: TableSchema | null): void {
    const { schema, createIfMissing } = this.request;
    refuseMisfit(this.place.label, {
      produced: schema,
      existing,
      storage: mysqlStorage,
      createIfMissing,
      names: NAMES,
    });
  }

  #skipped(count: number): JobError {
    return new JobError("destination_failed", {
      message: `Table "${this.place.label}" left out ${count} of the rows.`,
      hint: "Look for triggers on the table, and for others who write to it.",
      table: this.place.label,
    });
  }
}

const NAMES = {
  rule: "MySQL's names have 1 to 64 characters, of the first 65,536, no NUL and no space at the end",
  allows: canBeName,
};

interface OpenLoad {
  readonly loaded: LoadedTable;
  readonly encoder: LineEncoder;
  readonly shape: TableShape;
}
