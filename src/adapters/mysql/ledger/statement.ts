import type * as Kysely from "kysely";
import type { RawBuilder } from "kysely";

/** A statement with its values named: what it is given by, and what its rows hold. */
export interface Statement<Given extends object, Row> {
  readonly text: string;
  /** What is bound, place by place. */
  readonly keys: readonly (keyof Given & string)[];
  /** Whether it leaves something that only the end of the transaction lets others have: what it wrote, or locks. */
  readonly holds: boolean;
  /** Only says what the rows hold. */
  readonly row?: Row;
}

/** Text within what is bound as JSON. */
export const TEXT = "longtext character set utf8mb4";

/** What a statement is given. */
export interface Values<Given> {
  /** A number or a text. Text is bound as bytes. */
  readonly one: (key: keyof Given & string) => RawBuilder<unknown>;
  /** A list of values, bound as JSON, as a table with one column. */
  readonly list: (key: keyof Given & string, type: string, name: string) => RawBuilder<unknown>;
  /** Rows, bound as JSON, as a table with these columns. */
  readonly rows: (
    key: keyof Given & string,
    columns: Readonly<Record<string, string>>,
    name: string,
  ) => RawBuilder<unknown>;
}

/** Compiles statements whose values are bound when they are run. */
export function statementMaker({ sql, ...kysely }: typeof Kysely) {
  const db = new kysely.Kysely({
    dialect: {
      createAdapter: () => new kysely.MysqlAdapter(),
      createDriver: () => new kysely.DummyDriver(),
      createIntrospector: (one) => new kysely.MysqlIntrospector(one),
      createQueryCompiler: () => new kysely.MysqlQueryCompiler(),
    },
  });
  return <Given extends object, Row = never>(
    build: (values: Values<Given>) => RawBuilder<unknown>,
  ): Statement<Given, Row> => {
    const keys: (keyof Given & string)[] = [];
    // Kysely compiles from left to right, and asks in that order for what it is given here.
    const one = (key: keyof Given & string): RawBuilder<unknown> => sql`${new Place(key)}`;
    const table = (key: keyof Given & string, columns: string, name: string): RawBuilder<unknown> =>
      sql`json_table(convert(${new Place(key)} using utf8mb4), '$[*]' columns (${sql.raw(columns)})) ${sql.raw(name)}`;
    const query = build({
      one,
      list: (key, type, name) => table(key, `value ${type} path '$'`, name),
      rows: (key, columns, name) => {
        const parts = Object.entries(columns).map(
          ([column, type], index) => `${column} ${type} path '$[${index}]' error on error`,
        );
        return table(key, parts.join(", "), name);
      },
    });
    const { sql: text, parameters } = query.compile(db);
    for (const place of parameters) if (place instanceof Place) keys.push(place.key as keyof Given & string);
    return { text, keys, holds: !/^\W*select\b/.test(text) || /\bfor update\b/.test(text) };
  };
}

class Place {
  constructor(readonly key: string) {}
}
