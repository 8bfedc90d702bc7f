import type { TableSchema } from "../../../model/table-schema.js";
import { columnField } from "../load/column-field.js";
import type { EncodedColumn } from "../load/line-encoder.js";
import type { LoadIn } from "../load/load-in.js";
import { parseNativeType } from "../native-type.js";
import { quotedName } from "../quoted-name.js";
import type { WriteSession } from "./write-session.js";

/** How much one statement loads: it tells only at its end what was wrong with a row. */
const STATEMENT_BYTES = 16 << 20;

/** A table that lines are loaded into, by one statement after another within one transaction. */
export class LoadedTable {
  readonly columns: readonly EncodedColumn[];
  private readonly statement: string;
  private load: LoadIn | undefined;
  private bytes = 0;
  private rows = 0;

  /**
   * @param table as SQL text.
   * @param produced the columns of the rows.
   * @param existing those of the table, which has each of them.
   */
  constructor(
    private readonly session: WriteSession,
    table: string,
    produced: TableSchema,
    existing: TableSchema,
  ) {
    const columns = produced.columns.map(({ name, type }, index) => {
      const target = existing.columns.find((column) => column.name === name);
      const { field, expression } = columnField(type, parseNativeType(target?.nativeType ?? ""));
      const required = target?.nullable === false;
      return { name, field, required, variable: `@millrace_${index}`, expression };
    });
    this.columns = columns;
    const taken = columns.map(({ name, variable, expression }) => (expression ? variable : quotedName(name)));
    const set = columns.flatMap(({ name, variable, expression }) => {
      return expression ? [`${quotedName(name)} = ${expression(variable)}`] : [];
    });
    this.statement = `load data local infile 'millrace' into table ${table} character set utf8mb4
      fields terminated by '\\t' escaped by '\\\\' lines terminated by '\\n'
      (${taken.join(", ")})${set.length > 0 ? ` set ${set.join(", ")}` : ""}`;
  }

  /** Resolves when the bytes may be used again. */
  async send(lines: Uint8Array): Promise<void> {
    const load = (this.load ??= this.session.load(this.statement));
    await this.session.during(() => load.send(lines));
    this.bytes += lines.length;
  }

  /** @param rows how many were sent since the last batch ended. */
  async endBatch(rows: number): Promise<void> {
    this.rows += rows;
    if (this.bytes >= STATEMENT_BYTES) await this.end();
  }

  /** Resolves when the server has taken every row as it was sent. */
  async end(): Promise<void> {
    const { load, rows } = this;
    if (!load) return;
    const { records, skipped, warnings } = await this.session.during(() => load.end());
    this.load = undefined;
    this.bytes = 0;
    this.rows = 0;
    if (records === rows && skipped === 0 && warnings === 0) return;
    const warned = await this.session.query("show warnings limit 8");
    // A note beside a warning tells how it came to it.
    const told = warned.find(({ Level }) => Level !== "Note") ?? warned[0] ?? {};
    await this.session.during(() => Promise.reject(refusal(told, rows - records)));
  }
}

/** What the server only warned of, as the error that it is. */
function refusal({ Code, Message }: Readonly<Record<string, string | null>>, missing: number): Error {
  const message = Message ?? `the server left out ${missing} rows without a word`;
  return Object.assign(new Error(message), { errno: Number(Code ?? 0), sqlState: "HY000" });
}
