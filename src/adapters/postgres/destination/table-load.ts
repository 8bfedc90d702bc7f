import type { RecordBatch } from "apache-arrow";
import { JobError } from "../../../model/job-error.js";
import { describeFindings, schemaDifference } from "../../../model/schema-difference.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { isKeyed, keysOf } from "../../../model/write-mode.js";
import { nullKey, refuseMissingKeys } from "../../../model/write-refusals.js";
import type { WriteRequest } from "../../../ports/job-destination.js";
import { BufferBin } from "../../arrow/buffer-bin.js";
import { columnWriter } from "../copy/column-writer.js";
import type { CopyIn } from "../copy/copy-in.js";
import { RowEncoder, UnfitValue } from "../copy/row-encoder.js";
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
export class TableLoad {
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
    this.#refuseNullKeys(batch);
    try {
      encoder.open(batch);
      while (encoder.hasMore) {
        const message = encoder.encode(copy.buffer);
        await this.session.during(() => copy.send(message));
      }
    } catch (error) {
      throw error instanceof UnfitValue ? this.#unfit(error) : error;
    }
    this.#bin.freeBatch(batch);
    this.#rows += batch.numRows;
  }

  /** Everything but the COMMIT. Resolves to how many rows are in the table for this write. */
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
    throw new JobError("destination_failed", {
      message: `Table "${this.place.label}" was changed when the write began.`,
      hint: "Nothing was committed. Another attempt finds the table as it is now.",
      table: this.place.label,
    });
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

  /** The table as it is now: between the pre-flight and this transaction it may have changed. */
  #refuseMisfit(existing: TableSchema | null): void {
    const { label } = this.place;
    const { schema, createIfMissing } = this.request;
    if (existing === null && !createIfMissing) {
      throw new JobError("destination_missing", {
        message: `There is no table "${label}".`,
        hint: "Create it, or set createIfMissing on the job's destination.",
        table: label,
      });
    }
    const findings = schemaDifference({ produced: schema, existing, storage: postgresStorage });
    if (findings.length > 0) {
      throw this.#mismatch(
        `The query's columns do not fit "${label}": ${describeFindings(findings)}.`,
        findings.map(({ column }) => column),
      );
    }
    const tooLong = schema.columns.map(({ name }) => name).filter((name) => existing === null && !canBeName(name));
    if (tooLong.length > 0) {
      throw this.#mismatch(`Postgres' names have 1 to 63 bytes and no NUL: ${tooLong.join(", ")}.`, tooLong);
    }
  }

  #mismatch(message: string, columns: readonly string[]): JobError {
    const hint = "Rename, cast or leave out the named columns in the query, or change the table.";
    return new JobError("schema_mismatch", { message, hint, columns, table: this.place.label });
  }

  async #make(): Promise<TableShape> {
    const { session, place, request } = this;
    await session.execute(tableDefinition(place.name, request.schema, request.mode));
    const made = await readTableShape(session.query, place.name);
    if (made === null) throw new TypeError(`the table ${place.name} was made and is not there`);
    return made;
  }

  #refuseNullKeys(batch: RecordBatch): void {
    const { mode, schema } = this.request;
    const keys = keysOf(mode);
    const at = schema.columns.findIndex(({ name }, index) => {
      return keys.includes(name) && batch.data.children[index]!.nullCount > 0;
    });
    if (at !== -1) throw nullKey(this.place.label, schema.columns[at]!.name);
  }

  /** The value itself is not named: it may be a secret. */
  #unfit({ column, message }: UnfitValue): JobError {
    return new JobError("destination_failed", {
      message: `Column "${column}" of "${this.place.label}" ${message}.`,
      hint: "Replace or leave out such values in the query, or cast the column.",
      retryable: false,
      columns: [column],
      table: this.place.label,
    });
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
