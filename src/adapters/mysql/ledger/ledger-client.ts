import { JobError } from "../../../model/job-error.js";
import type { MysqlCallback, MysqlConnection, MysqlQuery, MysqlValue } from "../driver.js";
import { boundValues, type Bound } from "./bound-values.js";
import type { Statement } from "./statement.js";

/** What a statement gives. Numbers as numbers, since the ledger's whole ones stay below 2^53; bytes as text. */
export interface LedgerAnswer<Row> {
  readonly rows: readonly Row[];
  /** How many rows were written; of an update, how many were found. */
  readonly affectedRows: number;
  /** What the statement said in passing. */
  readonly insertId: number;
  readonly status: number;
}

/** Runs one statement of the ledger. */
export type Ask = <Given extends object, Row>(
  statement: Statement<Given, Row>,
  given: Given,
) => Promise<LedgerAnswer<Row>>;

/** One connection, for statements one after the other. */
export class LedgerClient {
  /**
   * @param largest how many bytes the server takes in one statement.
   * @param answerMs how long an answer may take: a server that is gone says nothing. Default: as long as it takes.
   */
  constructor(
    private readonly connection: MysqlConnection,
    private readonly largest: number,
    private readonly answerMs?: number,
  ) {}

  readonly ask: Ask = async <Given extends object, Row>({ text, keys }: Statement<Given, Row>, given: Given) => {
    const { values, bytes } = boundValues(keys.map((key) => given[key]));
    if (bytes + text.length + OVERHEAD > this.largest) throw tooLarge(bytes, this.largest);
    return this.#send<Row>(text, values);
  };

  /** A statement without values. */
  async say<Row = never>(text: string): Promise<LedgerAnswer<Row>> {
    return this.#send<Row>(text);
  }

  /** A statement with values in order, which is run once. */
  async once<Row = never>(text: string, ...values: readonly Bound[]): Promise<LedgerAnswer<Row>> {
    return this.#send<Row>(text, boundValues(values).values);
  }

  #send<Row>(sql: string, values?: readonly MysqlValue[]): Promise<LedgerAnswer<Row>> {
    const query: MysqlQuery = {
      ...PLAINLY,
      sql,
      ...(this.answerMs !== undefined && { timeout: this.answerMs }),
      ...(values && { values: [...values] }),
    };
    return new Promise((resolve, reject) => {
      const done: MysqlCallback = (error, answer) => {
        if (error) reject(error);
        else resolve(answerOf<Row>(answer));
      };
      if (values) this.connection.execute(query, done);
      else this.connection.query(query, done);
    });
  }
}

const PLAINLY = {
  rowsAsArray: false,
  nestTables: false,
  namedPlaceholders: false,
  typeCast: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
} as const;

/** What a packet holds beside text and values. */
const OVERHEAD = 1_024;

type Answered = Readonly<Record<string, string | number | bigint | Buffer | null>>;

function answerOf<Row>(answer: unknown): LedgerAnswer<Row> {
  // The statement says so of its own rows.
  if (Array.isArray(answer)) return { ...NOTHING, rows: (answer as Answered[]).map(plainRow) as Row[] };
  const { affectedRows = 0, insertId = 0, serverStatus = 0 } = answer as Partial<Record<string, number | string>>;
  return { rows: [], affectedRows: Number(affectedRows), insertId: Number(insertId), status: Number(serverStatus) };
}

const NOTHING = { affectedRows: 0, insertId: 0, status: 0 };

function plainRow(row: Answered): object {
  const plain: Record<string, string | number | null> = {};
  for (const [name, value] of Object.entries(row)) plain[name] = plainValue(value);
  return plain;
}

// Every text of the ledger is bytes to the database; what comes as text is a number of 64 bits or a decimal.
function plainValue(value: Answered[string]): string | number | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString("utf8") : Number(value);
}

function tooLarge(bytes: number, largest: number): JobError {
  return new JobError("store_unavailable", {
    message: `The ledger cannot take ${bytes} bytes at once: its server takes ${largest}.`,
    hint: "Raise max_allowed_packet of the server, or give the run less: a file's path instead of its rows.",
    retryable: false,
    nothingStored: true,
  });
}
