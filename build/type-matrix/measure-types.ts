import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { type DataType, formatDataType } from "../../src/model/data-type.js";
import type { Column } from "../../src/model/table-schema.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination } from "../../src/ports/job-destination.js";
import { DUCKDB_SAMPLES } from "./duckdb-samples.js";
import { MYSQL_SAMPLES, POSTGRES_SAMPLES, SQLITE_SAMPLES } from "./native-samples.js";
import { type SampleSystems, sampleSystems } from "./sample-systems.js";
import { withinLimits } from "./value-limits.js";

/** A type of a source, as it arrives in a query. */
export interface SourceColumn {
  readonly source: string;
  /** As its system declares it. */
  readonly declared: string;
  readonly type: DataType;
}

/** What becomes of a source's column in a destination that makes a table for it. */
export type Fate =
  | { readonly kept: false; readonly reason: string }
  | {
      readonly kept: true;
      /** As the destination's system declares it, where that has words of its own. */
      readonly declared: string | undefined;
      /** What it is read again as. */
      readonly back: DataType;
      /** How many values were moved, and how many of them came back as others. */
      readonly values: number;
      readonly changed: number;
    };

export interface TypeMatrix {
  readonly columns: readonly SourceColumn[];
  /** By destination, for each of the columns in their order. */
  readonly fates: Readonly<Record<string, readonly Fate[]>>;
}

/** What the types of a source are called, and how they are read. */
const SOURCES: Readonly<Record<string, { readonly from: string; readonly declared?: readonly string[] }>> = {
  duckdb: { from: `(${DUCKDB_SAMPLES})` },
  postgres: { from: "postgres.samples", declared: POSTGRES_SAMPLES.columns.map(([type]) => type) },
  mysql: { from: "mysql.samples", declared: MYSQL_SAMPLES.columns.map(([type]) => type) },
  sqlite: { from: "sqlite.samples", declared: SQLITE_SAMPLES.columns.map(([type]) => type) },
};

/**
 * Moves values of every type from every source into every destination and back, in one wide run for each pair: what each
 * destination says of each type, and what came of it.
 */
export async function measureTypes(): Promise<TypeMatrix> {
  await using systems = await sampleSystems();
  const sources = await sourceColumns(systems);
  const destinations = Object.keys(systems.open());
  const pairs = await Promise.all(
    destinations.flatMap((to) => Object.entries(sources).map(([from, columns]) => pairOf(systems, from, to, columns))),
  );
  await run(
    systems,
    pairs.flatMap((pair) => [pair.write, pair.readBack]),
  );
  const measured = await Promise.all(pairs.map((pair) => withTables(systems, pair)));
  await run(
    systems,
    measured.map(({ compare }) => compare),
  );
  const fates: Record<string, Fate[]> = {};
  for (const { pair, made, back } of measured) {
    const counts = (await systems.memory.rows(pair.countsTable))[0] ?? {};
    (fates[pair.to] ??= []).push(
      ...pair.columns.map(({ name }): Fate => {
        const reason = pair.refusals.get(name);
        if (reason !== undefined) return { kept: false, reason };
        const declared = columnOf(made, name).nativeType;
        const [values, changed] = [counts[`values ${name}`], counts[`changed ${name}`]].map(Number) as [number, number];
        return { kept: true, declared, back: columnOf(back, name).type, values, changed };
      }),
    );
  }
  return { columns: Object.values(sources).flatMap((columns) => columns.map(({ shown }) => shown)), fates };
}

interface NamedColumn {
  readonly name: string;
  readonly shown: SourceColumn;
}

interface Job {
  readonly query: string;
  /** Of which connection, and its name. */
  readonly into: string;
}

/** The columns of each source as a query has them, which a run without rows tells. */
async function sourceColumns(systems: SampleSystems): Promise<Readonly<Record<string, readonly NamedColumn[]>>> {
  const names = Object.entries(SOURCES);
  await run(
    systems,
    names.map(([name, { from }]) => ({ query: `select * from ${from} limit 0`, into: `ram.of_${name}` })),
  );
  const found = names.map(async ([source, { declared }]) => {
    const columns = (await schemaOf(systems.memory, `of_${source}`)).filter(({ name }) => name !== "n");
    return [
      source,
      columns.map(({ name, type }, index) => {
        return { name, shown: { source, declared: declared?.[index] ?? formatDataType(type), type } };
      }),
    ] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

interface Pair {
  readonly to: string;
  readonly columns: readonly NamedColumn[];
  /** Why a column is not kept, by its name; the others are. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly table: string;
  readonly backTable: string;
  readonly countsTable: string;
  /** The source's rows, with null where the destination has limits. */
  readonly sent: string;
  readonly write: Job;
  readonly readBack: Job;
}

async function pairOf(
  systems: SampleSystems,
  from: string,
  to: string,
  columns: readonly NamedColumn[],
): Promise<Pair> {
  const table = `from_${from}`;
  const destination = destinationOf(systems.open()[to], table);
  const refusals = new Map<string, string>();
  for (const { name, shown } of columns) {
    const answer = destination.storage?.(shown.type, null) ?? { stored: true };
    if (!answer.stored) refusals.set(name, answer.reason);
  }
  const kept = columns.filter(({ name }) => !refusals.has(name));
  const values = kept.map(({ name, shown }) => `${withinLimits(to, `"${name}"`, shown.type)} as "${name}"`);
  const sent = `select n, ${values.join(", ")} from ${SOURCES[from]?.from ?? ""}`;
  const backTable = `back_${from}_${to}`;
  return {
    to,
    columns,
    refusals,
    table,
    backTable,
    countsTable: `counts_${from}_${to}`,
    sent,
    write: { query: sent, into: `${to}.${table}` },
    readBack: { query: `select * from ${to}.${table}`, into: `ram.${backTable}` },
  };
}

/** A pair whose rows have been written and read again. */
interface Measured {
  readonly pair: Pair;
  readonly made: readonly Column[];
  readonly back: readonly Column[];
  /** Counts, for each column, the values, and those that are not what was sent. */
  readonly compare: Job;
}

async function withTables(systems: SampleSystems, pair: Pair): Promise<Measured> {
  const connection = systems.open()[pair.to];
  const made = (await destinationOf(connection, pair.table).schema(new AbortController().signal))?.columns ?? [];
  if (pair.to !== "ram") await connection?.close();
  const back = await schemaOf(systems.memory, pair.backTable);
  const counts = back.flatMap(({ name, type }) => {
    const sent = pair.columns.find((column) => column.name === name)?.shown.type ?? type;
    return [`count(a."${name}") as "values ${name}"`, `${countOfChanged(name, sent, type)} as "changed ${name}"`];
  });
  const query = `select ${counts.join(", ")} from (${pair.sent}) a full join ram.${pair.backTable} b on a.n = b.n`;
  return { pair, made, back, compare: { query, into: `ram.${pair.countsTable}` } };
}

/** Texts are compared, since 0.0 is equal to -0.0; in the type that was sent where it came back as text, whose spelling may differ. */
function countOfChanged(name: string, sent: DataType, back: DataType): string {
  const text = (side: "a" | "b", other: DataType, own: DataType): string => {
    const value = `${side}."${name}"`;
    return `(${formatDataType(own) === formatDataType(other) ? value : `${value}::${formatDataType(other)}`})::varchar`;
  };
  const common = back.kind === "text" ? sent : back;
  return `count(*) filter (where ${text("a", common, sent)} is distinct from ${text("b", common, back)})`;
}

function columnOf(columns: readonly Column[], name: string): Column {
  const found = columns.find((column) => column.name === name);
  if (found === undefined) throw new Error(`the column "${name}" is not there`);
  return found;
}

async function schemaOf(connection: Connection, table: string): Promise<readonly Column[]> {
  const schema = await connection.source?.(table)?.schema(new AbortController().signal);
  if (!schema) throw new Error(`the table "${table}" is not there`);
  return schema.columns;
}

function destinationOf(connection: Connection | undefined, table: string): JobDestination {
  const destination = connection?.destination?.(table);
  if (destination === undefined) throw new Error(`there is no destination "${table}"`);
  return destination;
}

/** One after the other. */
async function run(systems: SampleSystems, jobs: readonly Job[]): Promise<void> {
  await using executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 2 }),
    store: new MemoryJobStore(),
    connections: systems.open(),
    jobs: jobs.map(({ query, into }, index) => {
      return defineJob({ name: `job_${index}`, query, destination: { table: into, createIfMissing: true } });
    }),
  });
  await executor.start();
  for (const [index, { into }] of jobs.entries()) {
    const { error } = await (await executor.submitOrThrow(`job_${index}`, {})).result();
    if (error !== null) throw new Error(`${into}: ${error.message}`);
  }
}
