/** One law broken on purpose: a change of the source after which the named tests must fail. */
export interface Mutation {
  readonly law: number;
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The test files that guard the law. */
  readonly tests: readonly string[];
}

export const MUTATIONS: readonly Mutation[] = [
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
    tests: ["test/runs/recovery.test.ts"],
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
    law: 7,
    what: "a cancel does not reach the attempt",
    file: "src/executor/job-executor.ts",
    find: 'if (outcome === "requested") this.#dispatcher.interrupt',
    replace: 'if (outcome === "cancelled") this.#dispatcher.interrupt',
    tests: ["test/runs/cancel.test.ts"],
  },
  {
    law: 7,
    what: "the permit does not look for a cancel",
    file: "src/runs/attempt.ts",
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
];
