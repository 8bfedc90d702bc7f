import type { Database } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { duplicateKey, missingKey } from "../../../model/write-refusals.js";
import type { WriteMode } from "../../../model/write-mode.js";
import { affinityOf } from "./column-storage.js";
import { sqliteCode } from "./lock-wait.js";
import { quotedName } from "./quoted-name.js";
import { rowsLeftOut } from "./row-inserter.js";
import type { StopFlag } from "./stop-flag.js";
import { rowIdColumn } from "./table-shape.js";
import { uniqueColumns, type UniqueColumn } from "./unique-columns.js";

type Upsert = Extract<WriteMode, { kind: "upsert" }>;

/** The temporary table of a {@link KeyedStage}. */
export const STAGE_TABLE = "temp._millrace_stage";

/** How many rows a statement moves: few enough to be stopped soon between two. */
const ROWS_AT_ONCE = 10_000;

/**
 * The rows of one upsert, gathered in a temporary table whose columns have the affinities of the table's, so that values
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
    private readonly mode: Upsert,
    produced: TableSchema,
    private readonly existing: TableSchema,
  ) {
    this.names = produced.columns.map(({ name }) => name);
    const missing = mode.keys.find((key) => !this.names.includes(key));
    if (missing !== undefined) throw missingKey(table, missing);
    const unique = uniqueColumns(database, table, mode.keys);
    this.isUnique = unique !== undefined;
    if (!this.isUnique) refuseActions(database, table, mode.keys);
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
   * @returns how many are in the table: fewer where the last of several with one key counts.
   * @throws JobError `destination_failed` for several rows with one key that are to be refused.
   */
  moveAll(rowCount: number, stop: StopFlag): number {
    const kept = rowCount - this.dropRepeated(stop);
    const { database, number } = this;
    const columns = this.names.map(quotedName).join(", ");
    if (!this.isUnique) this.deleteReplaced(stop);
    const some = database.prepare<[number, number]>(
      `insert or abort into ${this.target} (${columns}) select ${columns} from ${STAGE_TABLE}
       where ${number} > ? and ${number} <= ? ${this.isUnique ? this.onConflict() : ""}`,
    );
    let moved = 0;
    for (let row = 0; row < rowCount; row += ROWS_AT_ONCE) {
      stop.throwIfRaised();
      moved += some.run(row, row + ROWS_AT_ONCE).changes;
    }
    if (moved !== kept) throw rowsLeftOut(this.table, kept - moved);
    return kept;
  }

  private get target(): string {
    return `main.${quotedName(this.table)}`;
  }

  /** @returns how many rows were dropped for a later one with the same key. */
  private dropRepeated(stop: StopFlag): number {
    const { database, table, keys, number, mode } = this;
    const collated = keys.map(({ name, collation }) => `${quotedName(name)} collate ${quotedName(collation)}`);
    const index = `index temp._millrace_stage_keys on _millrace_stage (${collated.join(", ")})`;
    try {
      database.exec(`create unique ${index}`);
      return 0;
    } catch (error) {
      if (sqliteCode(error) !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
    }
    stop.throwIfRaised();
    if (mode.onDuplicate !== "keepLast") throw duplicateKey(table, mode.keys, this.repeatedKey(collated.join(", ")));
    database.exec(`create ${index}`);
    const same = keys.map(({ name, collation }) => {
      return `later.${quotedName(name)} = one.${quotedName(name)} collate ${quotedName(collation)}`;
    });
    const drop = `delete from ${STAGE_TABLE} as one where exists
      (select 1 from ${STAGE_TABLE} as later where ${same.join(" and ")} and later.${number} > one.${number})`;
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
    const keys = this.keys.map(({ name, collation }) => {
      // SQLite does not find the row's own number under a collation.
      return name === rowId ? quotedName(name) : `${quotedName(name)} collate ${quotedName(collation)}`;
    });
    return `on conflict (${keys.join(", ")}) do update set ${assigned.join(", ")}`;
  }

  /** One statement, since each would read the whole table: so it asks at every row whether to go on. */
  private deleteReplaced(stop: StopFlag): void {
    this.database.function("_millrace_go_on", { directOnly: true }, () => {
      stop.throwIfRaised();
      return 1;
    });
    const keys = this.mode.keys.map((key) => `${quotedName(key)} collate binary`).join(", ");
    const staged = this.mode.keys.map(quotedName).join(", ");
    this.database.exec(
      `delete from ${this.target} where (${keys}) in (select ${staged} from ${STAGE_TABLE}) and _millrace_go_on()`,
    );
  }
}

/** Rows that are deleted and inserted come back; what foreign keys do to other rows meanwhile does not. */
function refuseActions(database: Database, table: string, keys: readonly string[]): void {
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
    message: `An upsert by ${columns} would delete rows of "${table}" and insert them again, and "${referring}", which refers to them, would lose rows or values by its ON DELETE.`,
    hint: `Make a unique index on ${columns}, so that rows are replaced in place.`,
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
