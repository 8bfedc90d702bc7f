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
import { columnWriter } from "../copy/column-writer.js";
import type { CopyIn } from "../copy/copy-in.js";
import { RowEncoder } from "../copy/row-encoder.js";
import { parseNativeType } from "../native-type.js";
import { canBeName } from "../quoted-name.js";
import { readTableShape, type TableShape } from "../table-shape.js";
import { postgresStorage } from "./column-storage.js";
import { claimCommit, completeCommit } from "./commit-log.js";
import { changeState } from "./job-state.js";
import { columnList, makeStage, STAGE } from "./staged-rows.js";
import type { TablePlace } from "./place.js";
import { landStaged } from "./land-staged.js";
import { tableDefinition } from "./table-definition.js";
import type { WriteSession } from "./write-session.js";

/** One transaction, which begins with the first rows: a query that thinks for long holds no lock meanwhile. */
export class TableLoad implements RowLoad {
  readonly #bin = new BufferBin();
  #rows = 0;
  #open: Promise<OpenLoad> | undefined;

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

  async take(batch: RecordBatch): Promise<void> {
    const { copy, encoder } = await this.#opened();
    refuseNullKeys(this.place.label, this.request.mode, this.request.schema, batch);
    try {
      encoder.open(batch);
      while (encoder.hasMore) {
        const message = encoder.encode(copy.buffer);
        await this.session.during(() => copy.send(message));
      }
    } catch (error) {
      throw error instanceof UnfitValue ? unfitValue(this.place.label, error.column, error.message) : error;
    }
    this.#bin.freeBatch(batch);
    this.#rows += batch.numRows;
  }

  async stage(): Promise<number> {
    const { session, place, request } = this;
    const { copy, shape, isStaged } = await this.#opened();
    const copied = await session.during(() => copy.end());
    if (copied !== this.#rows) throw this.#skipped(this.#rows - copied);
    await this.#refuseChange(shape);
    const written = isStaged ? await this.#fromStage(shape) : copied;
    // What was deferred would otherwise fail at the commit.
    await session.execute("set constraints all immediate");
    const state = request.state?.();
    if (state) await changeState(session, place.own, place.label, request.commitId, state);
    await completeCommit(session, place.own, request.commitId, written);
    return written;
  }

  /** Its lock keeps a table as it is, but only from the copy on: before, its columns may have got other types. */
  async #refuseChange(shape: TableShape): Promise<void> {
    const now = await readTableShape(this.session.query, shape.name);
    if (JSON.stringify(now?.schema) === JSON.stringify(shape.schema)) return;
    throw tableChanged(this.place.label);
  }

  async #fromStage(shape: TableShape): Promise<number> {
    const { session, place, request } = this;
    const target = { ...shape, label: place.label, columns: request.schema.columns.map(({ name }) => name) };
    const { written, expected } = await landStaged({ session, target, rows: this.#rows }, request.mode);
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
    await session.begin();
    await claimCommit(session, place.own, request.commitId, place.label);
    const existing = await this.#existing();
    this.#refuseMisfit(existing?.schema ?? null);
    const shape = existing ?? (await this.#make());
    // Into a table that nobody sees yet an overwrite is an append.
    const isStaged = isKeyed(mode) || (mode.kind === "overwrite" && existing !== null);
    if (isStaged) await makeStage(session, shape.name, schema, mode);
    const into = isStaged ? STAGE : shape.name;
    const copy = await session.copy(`copy ${into} (${columnList(schema)}) from stdin (format binary)`);
    const columns = schema.columns.map(({ name, type }) => {
      const target = shape.schema.columns.find((column) => column.name === name);
      return { name, writer: columnWriter(type, parseNativeType(target?.nativeType ?? "")) };
    });
    return { copy, shape, isStaged, encoder: new RowEncoder(columns) };
  }

  /** Of two writers that would make the table, one does, and the other waits for it. */
  async #existing(): Promise<TableShape | null> {
    const { session, place } = this;
    const found = await readTableShape(session.query, place.name);
    if (found !== null || !this.request.createIfMissing) return found;
    await session.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", `millrace ${place.name}`);
    return readTableShape(session.query, place.name);
  }

  #refuseMisfit(existing: TableSchema | null): void {
    const { schema, createIfMissing } = this.request;
    const names = { rule: "Postgres' names have 1 to 63 bytes and no NUL", allows: canBeName };
    refuseMisfit(this.place.label, { produced: schema, existing, storage: postgresStorage, createIfMissing, names });
  }

  async #make(): Promise<TableShape> {
    const { session, place, request } = this;
    await session.execute(tableDefinition(place.name, request.schema, request.mode));
    const made = await readTableShape(session.query, place.name);
    if (made === null) throw new TypeError(`the table ${place.name} was made and is not there`);
    return made;
  }

  #skipped(count: number): JobError {
    return new JobError("destination_failed", {
      message: `Table "${this.place.label}" left out ${count} of the rows.`,
      hint: "Look for triggers on the table that return null.",
      retryable: false,
      table: this.place.label,
    });
  }
}

interface OpenLoad {
  readonly copy: CopyIn;
  readonly encoder: RowEncoder;
  readonly shape: TableShape;
  readonly isStaged: boolean;
}
