/** One law broken on purpose: a change of the source after which the named tests must fail. */
export interface Mutation {
  readonly law: number;
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The test files that guard the law; `lint` stands for the lint rules. */
  readonly tests: readonly string[] | "lint";
}

export const MUTATIONS: readonly Mutation[] = [
  {
    law: 1,
    what: "rows become visible before the permit is given",
    file: "src/adapters/memory/memory-destination.ts",
    find: "const permit = await request.permit({ rowsStaged: rowCount });\n    this.tables.commit({ ...target, batches, rowCount });",
    replace:
      "this.tables.commit({ ...target, batches, rowCount });\n    const permit = await request.permit({ rowsStaged: rowCount });",
    tests: ["test/contracts/memory-destination.test.ts"],
  },
  {
    law: 2,
    what: "settling plants no fence",
    file: "src/adapters/sqlite/destination/commit-log.ts",
    find: 'insertCommit(database, commitId, "never", null);',
    replace: "",
    tests: ["test/contracts/sqlite-destination.test.ts"],
  },
  {
    law: 3,
    what: "the end of a stream is believed without proof",
    file: "src/adapters/duckdb/running-query.ts",
    find: 'await this.tracked(this.query.connection.execute("select 1"));',
    replace: "",
    tests: ["test/adapters/duckdb/proven-end.test.ts"],
  },
  {
    law: 2,
    what: "the permit is given before the end of the rows",
    file: "src/runs/commit-gate.ts",
    find: "if (!this.rows.ended)",
    replace: "if (false)",
    tests: ["test/runs/commit-point.test.ts"],
  },
  {
    law: 2,
    what: "the permit is given although counts differ",
    file: "src/runs/commit-gate.ts",
    find: "if (rowsStaged === this.rows.rows) return null;",
    replace: "if (rowsStaged >= 0) return null;",
    tests: ["test/runs/commit-point.test.ts"],
  },
  {
    law: 2,
    what: "a lost answer after the permit counts as a failure without asking the destination",
    file: "src/runs/attempt.ts",
    find: "return this.#ending.settle(this.#held(), () => this.#fail(end.error));",
    replace: "return this.#fail(end.error);",
    tests: ["test/runs/commit-point.test.ts"],
  },
  {
    law: 4,
    what: "a transition is not fenced by the lease epoch",
    file: "src/model/apply-transition.ts",
    find: 'if (run.lease !== null && run.lease.epoch !== epoch) return "lease_lost";',
    replace: "",
    tests: ["test/contracts/memory-job-store.test.ts"],
  },
  {
    law: 5,
    what: "a submit that does not fit is stored all the same",
    file: "src/runs/submission.ts",
    find: "refuseMisfit(planned.resolved, await this.check(planned, signal));",
    replace: "await this.check(planned, signal);",
    tests: ["test/runs/submission.test.ts"],
  },
  {
    law: 6,
    what: "a placeholder is also one within a literal",
    file: "src/jobs/placeholders.ts",
    find: 'return endOfQuote(sql, at, "\'");',
    replace: "return at + 1;",
    tests: ["test/jobs/placeholders.test.ts"],
  },
  {
    law: 7,
    what: "a cancel does not reach the attempt",
    file: "src/executor/job-executor.ts",
    find: 'if (outcome === "requested") this.#worker?.interrupt',
    replace: 'if (outcome === "cancelled") this.#worker?.interrupt',
    tests: ["test/runs/cancel.test.ts"],
  },
  {
    law: 7,
    what: "the permit does not look for a cancel",
    file: "src/runs/commit-point.ts",
    find: "unlessCancelRequested: true,",
    replace: "unlessCancelRequested: false,",
    tests: ["test/runs/cancel.test.ts"],
  },
  {
    law: 10,
    what: "secrets are not masked in a run's error",
    file: "src/runs/redactor.ts",
    find: "return this.#forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);",
    replace: "return text;",
    tests: ["test/runs/secrets.test.ts"],
  },
  {
    law: 8,
    what: "engine calls may fill libuv's pool",
    file: "src/adapters/duckdb/pool-lanes.ts",
    find: "Math.max(1, poolSize - 1)",
    replace: "64",
    tests: ["test/adapters/duckdb/pool-lanes.test.ts"],
  },
  {
    law: 9,
    what: "a NaN becomes a null in SQLite, silently",
    file: "src/adapters/sqlite/destination/column-values.ts",
    find: 'if (Number.isNaN(value)) throw new RangeError("SQLite has no NaN");',
    replace: "",
    tests: ["test/adapters/sqlite/sqlite-destination.test.ts"],
  },
  {
    law: 11,
    what: "a module reads the clock by itself",
    file: "src/runs/retry-policy.ts",
    find: "return Math.round(",
    replace: "return Date.now() + Math.round(",
    tests: "lint",
  },
  {
    law: 12,
    what: "stop() leaves a timer behind",
    file: "src/runs/dispatcher.ts",
    find: "this.#unsubscribe();\n    this.#callOffPoll();",
    replace: "this.#unsubscribe();",
    tests: ["test/runs/hangs-and-stops.test.ts"],
  },
  {
    law: 13,
    what: "a query may call functions that reach beyond its values",
    file: "src/adapters/duckdb/query-shape.ts",
    find: "if (!DENIED_FUNCTIONS.has(folded(name))) return;",
    replace: "return;",
    tests: ["test/adapters/duckdb/law-13.test.ts"],
  },
];
