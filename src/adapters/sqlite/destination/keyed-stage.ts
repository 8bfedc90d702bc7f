import type { Database } from "better-sqlite3";
import { causeChain, JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { duplicateKey, refuseMissingKeys } from "../../../model/write-refusals.js";
import { type KeyedMode, onRepeatedKey } from "../../../model/write-mode.js";
import { affinityOf } from "./column-storage.js";
import { sqliteCode } from "../thread/lock-wait.js";
import { quotedName } from "../quoted-name.js";
import { refuseKeptRows } from "./kept-rows.js";
import { rowsLeftOut } from "./row-inserter.js";
import type { StopFlag } from "../thread/stop-flag.js";
import { rowIdColumn } from "./table-shape.js";
import { uniqueColumns, type UniqueColumn } from "./unique-columns.js";

/** The temporary table of a {@link KeyedStage}. */
export const STAGE_TABLE = "temp._millrace_stage";

/** How many rows a statement moves: few enough to be stopped soon between two. */
const ROWS_AT_ONCE = 10_000;

/**
 * The rows of one write that goes by keys, gathered in a temporary table whose columns have the affinities of the table's, so that values
 * become what they will be there, and moved into the table when all have come. SQLite keeps it in a file and drops it with
 * the connection.
 */
export class KeyedStage {
  /** The keys, as the table compares them. */
  private readonly keys: readonly UniqueColumn[];
  private readonly isUnique: boolean;
  private readonly names: readonly string[];
  /** The stage's own number of a row, under a name that no column has. */
  private readonly number: string;

  /**
   * @param produced the columns of the rows.
   * @param existing the table's, which has each of them.
   * @throws JobError `schema_mismatch` for a key that is no column of the rows; `destination_failed` where rows of other
   *   tables would be lost.
   */
  constructor(
    private readonly database: Database,
    private readonly table: string,
    private readonly mode: KeyedMode,
    produced: TableSchema,
    private readonly existing: TableSchema,
  ) {
    this.names = produced.columns.map(({ name }) => name);
    refuseMissingKeys(table, mode, produced);
    const unique = uniqueColumns(database, table, mode.keys);
    this.isUnique = unique !== undefined;
    if (mode.kind === "deleteInsert" || (mode.kind === "upsert" && !this.isUnique))
      refuseActions(database, table, mode);
    this.keys = unique ?? mode.keys.map((name) => ({ name, collation: "BINARY" }));
    this.number = quotedName(unusedName(this.names));
    const declared = existing.columns
      .filter(({ name }) => this.names.includes(name))
      .map((column) => [quotedName(column.name), affinityOf(column)] as const)
      // Not by the table's own words, which may be any text.
      .map(([name, affinity]) => (affinity === "any" ? name : `${name} ${affinity}`));
    database.exec(
      `create temp table _millrace_stage (${[`${this.number} integer primary key`, ...declared].join(", ")})`,
    );
  }

  /**
   * Moves the rows into the table.
   *
   * @param rowCount how many have come.
   * @returns how many are in the table: fewer where one of several with one key counts, or only those with a new key.
   * @throws JobError `destination_failed` for several rows with one key that are to be refused.
   */
  moveAll(rowCount: number, stop: StopFlag): number {
    const { database, number, mode } = this;
    let kept = rowCount - this.dropRepeated(stop);
    const replacesInPlace = mode.kind === "upsert" && this.isUnique;
    if (mode.kind === "insertOnly") kept -= this.dropKnown(stop);
    else if (!replacesInPlace) this.deleteReplaced(stop);
    const columns = this.names.map(quotedName).join(", ");
    const some = database.prepare<[number, number]>(
      `insert or abort into ${this.target} (${columns}) select ${columns} from ${STAGE_TABLE}
       where ${number} > ? and ${number} <= ? ${replacesInPlace ? this.onConflict() : ""}`,
    );
    let moved = 0;
    for (let row = 0; row < rowCount; row += ROWS_AT_ONCE) {
      stop.throwIfRaised();
      try {
        moved += some.run(row, row + ROWS_AT_ONCE).changes;
      } catch (error) {
        throw replacesInPlace && sqliteCode(error) === "SQLITE_CONSTRAINT_UNIQUE" ? this.notUnique(error) : error;
      }
    }
    if (moved !== kept) throw rowsLeftOut(this.table, kept - moved);
    return kept;
  }

  /** SQLite's message names the columns, and no values. */
  private notUnique(cause: unknown): JobError {
    return new JobError("destination_failed", {
      message: `The upsert into "${this.table}" breaks another constraint than that of its keys: ${causeChain(cause)}.`,
      hint: "Rows are replaced one by one: let those that exchange such values be deleted before, by the mode deleteInsert.",
      retryable: false,
      table: this.table,
    });
  }

  private get target(): string {
    return `main.${quotedName(this.table)}`;
  }

  /** @returns how many rows were dropped for another one with the same key. */
  private dropRepeated(stop: StopFlag): number {
    const { database, table, keys, number, mode } = this;
    const onRepeated = onRepeatedKey(mode);
    if (onRepeated === "keepAll") return 0;
    const collated = keys.map(({ name, collation }) => `${quotedName(name)} collate ${quotedName(collation)}`);
    const index = `index temp._millrace_stage_keys on _millrace_stage (${collated.join(", ")})`;
    try {
      database.exec(`create unique ${index}`);
      return 0;
    } catch (error) {
      if (sqliteCode(error) !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
    }
    stop.throwIfRaised();
    if (onRepeated === "refuse") throw duplicateKey(table, mode, this.repeatedKey(collated.join(", ")));
    database.exec(`create ${index}`);
    const same = keys.map(({ name, collation }) => {
      return `other.${quotedName(name)} = one.${quotedName(name)} collate ${quotedName(collation)}`;
    });
    const order = onRepeated === "keepLast" ? ">" : "<";
    const drop = `delete from ${STAGE_TABLE} as one where exists
      (select 1 from ${STAGE_TABLE} as other where ${same.join(" and ")} and other.${number} ${order} one.${number})`;
    return database.prepare(drop).run().changes;
  }

  private repeatedKey(collated: string): readonly string[] {
    const names = this.mode.keys.map((key) => `cast(${quotedName(key)} as text)`).join(", ");
    return this.database
      .prepare<[], string[]>(`select ${names} from ${STAGE_TABLE} group by ${collated} having count(*) > 1 limit 1`)
      .raw()
      .get() as string[];
  }

  /**
   * Updates in place what is there already, so that rows of other tables that refer to it stay. A column that the rows
   * leave out becomes its default, as in a new row; but a number that SQLite gave to the row stays.
   */
  private onConflict(): string {
    const rowId = rowIdColumn(this.database, this.table);
    const assigned = this.existing.columns
      .filter(({ name, generated }) => generated !== true && (name !== rowId || this.names.includes(name)))
      .map(({ name }) => `${quotedName(name)} = excluded.${quotedName(name)}`);
    return `on conflict (${this.collatedKeys().join(", ")}) do update set ${assigned.join(", ")}`;
  }

  /** One statement, since each would read the whole table: so it asks at every row whether to go on. */
  private deleteReplaced(stop: StopFlag): void {
    const { database, table } = this;
    const staged = `select ${this.mode.keys.map(quotedName).join(", ")} from ${STAGE_TABLE}`;
    const replaced = `(${this.collatedKeys().join(", ")}) in (${staged}) and ${goOn(database, stop)}`;
    database.exec(`delete from ${this.target} where ${replaced}`);
    refuseKeptRows(database, table, replaced);
  }

  /** @returns how many rows were dropped because the table has their key. */
  private dropKnown(stop: StopFlag): number {
    const { database } = this;
    const keys = this.keys.map(({ name }) => quotedName(name)).join(", ");
    // An index is used only where nothing else is asked; without one the whole table is read.
    const known = `select ${keys} from ${this.target} ${this.isUnique ? "" : `where ${goOn(database, stop)}`}`;
    return database
      .prepare(
        `delete from ${STAGE_TABLE} where (${this.collatedKeys().join(", ")}) in (${known}) and ${goOn(database, stop)}`,
      )
      .run().changes;
  }

  /** As the table compares them. */
  private collatedKeys(): readonly string[] {
    const rowId = rowIdColumn(this.database, this.table);
    return this.keys.map(({ name, collation }) => {
      // SQLite does not find the row's own number under a collation.
      return name === rowId ? quotedName(name) : `${quotedName(name)} collate ${quotedName(collation)}`;
    });
  }
}

/** A condition that is always true, and throws once the flag is raised. */
function goOn(database: Database, stop: StopFlag): string {
  database.function("_millrace_go_on", { directOnly: true }, () => {
    stop.throwIfRaised();
    return 1;
  });
  return "_millrace_go_on()";
}

/** Rows that are deleted and inserted come back; what foreign keys do to other rows meanwhile does not. */
function refuseActions(database: Database, table: string, { kind, keys }: KeyedMode): void {
  const referring = database
    .prepare<[string], string>(
      `select s.name from main.sqlite_schema s, pragma_foreign_key_list(s.name) f
       where s.type = 'table' and f."table" = ? collate nocase and f.on_delete not in ('NO ACTION', 'RESTRICT')`,
    )
    .pluck()
    .get(table);
  if (referring === undefined) return;
  const columns = keys.map(quotedName).join(", ");
  throw new JobError("destination_failed", {
    message: `By ${columns}, ${kind} would delete rows of "${table}" and insert others, and "${referring}", which refers to them, would lose rows or values by its ON DELETE.`,
    hint: `Upsert with a unique index on ${columns}, so that rows are replaced in place.`,
    retryable: false,
    table,
    columns: keys,
  });
}

function unusedName(names: readonly string[]): string {
  const taken = new Set(names.map((name) => name.toLowerCase()));
  let name = "_millrace_row";
  while (taken.has(name)) name += "_";
  return name;
}
