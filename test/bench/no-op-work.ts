import {
  defineJob,
  type CommitId,
  type CommitReceipt,
  type Connection,
  type JobDestination,
  type QueryDescription,
  type QueryEngine,
  type QueryExplanation,
  type RowStream,
  type Settlement,
  type TableSchema,
  type WriteRequest,
} from "millrace";

const SCHEMA: TableSchema = {
  columns: [{ name: "id", type: { kind: "integer", bits: 32, signed: true }, nullable: true }],
};
const DESCRIPTION: QueryDescription = { schema: SCHEMA, parameters: new Map(), tables: [] };

/** A job whose work is nothing: what remains to be measured is the ledger, and the executor around it. */
export const NO_OP = defineJob({ name: "no_op", query: "select no_op", destination: { table: "out.t" } });

/** An engine whose every query has no rows. */
export class NoOpEngine implements QueryEngine {
  readonly dialect = "no-op";

  /** @param onStart is called when the query of a run begins. */
  constructor(private readonly onStart: () => void = () => undefined) {}

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async explain(): Promise<QueryExplanation> {
    return { plan: "NO-OP", scans: [] };
  }

  async describe(): Promise<QueryDescription> {
    return DESCRIPTION;
  }

  async stream(_query: unknown, { signal }: { readonly signal: AbortSignal }): Promise<RowStream> {
    this.onStart();
    return {
      schema: SCHEMA,
      close: async () => undefined,
      async *[Symbol.asyncIterator]() {
        signal.throwIfAborted();
      },
    };
  }
}

/** A fenced destination that keeps nothing but the ids of its commits. */
export class NoOpDestination implements JobDestination {
  readonly capabilities = { modes: ["append"], createsTable: false, commitFence: "fenced" } as const;
  readonly #receipts = new Map<CommitId, CommitReceipt>();
  readonly #fenced = new Set<CommitId>();

  get commits(): number {
    return this.#receipts.size;
  }

  async schema(): Promise<TableSchema> {
    return SCHEMA;
  }

  async write(rows: RowStream, { commitId, permit }: WriteRequest): Promise<CommitReceipt> {
    let rowsStaged = 0;
    for await (const batch of rows) rowsStaged += batch.numRows;
    const { committed } = await permit({ rowsStaged });
    if (this.#fenced.has(commitId) || this.#receipts.has(commitId)) throw new Error(`Commit ${commitId} is spent.`);
    const receipt = committed();
    this.#receipts.set(commitId, receipt);
    return receipt;
  }

  async settleCommit(commitId: CommitId): Promise<Settlement> {
    const receipt = this.#receipts.get(commitId);
    if (receipt) return { state: "committed", receipt };
    this.#fenced.add(commitId);
    return { state: "never" };
  }

  connection(): Connection {
    return {
      capabilities: { kind: "no-op", read: false, write: "transactional", tables: "named" },
      destination: () => this,
      check: async () => undefined,
      close: async () => undefined,
    };
  }
}
