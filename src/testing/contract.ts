/**
 * A contract is a list of named clauses that an implementation of a port keeps: plain data, so that any test runner can
 * run it. In vitest: `for (const clause of clauses) it(clause.name, clause.run)`.
 */
export interface ContractClause {
  readonly name: string;
  /** Rejects when the clause is broken. */
  run(): Promise<void>;
  /** Why the implementation cannot keep the clause; `run` then does nothing and a suite should show it as skipped. */
  readonly waived?: string;
}

/** A clause that an implementation declares it cannot keep. */
export interface Waiver {
  readonly clause: string;
  readonly reason: string;
}

/**
 * Builds the clauses of one contract.
 *
 * @param clauses name to test, each given a fresh subject.
 * @param subject makes what is tested; its `dispose` is called after each clause, also a failed one.
 * @param without clauses declared as not kept; a name that no clause has is an error, so that a waiver cannot outlive its clause.
 */
export function contract<S>(
  clauses: Readonly<Record<string, (subject: S) => Promise<void>>>,
  subject: () => Promise<S & { dispose?(): Promise<void> }>,
  without: readonly Waiver[] = [],
): readonly ContractClause[] {
  for (const { clause } of without) {
    if (!(clause in clauses)) throw new Error(`The contract has no clause "${clause}" to go without.`);
  }
  return Object.entries(clauses).map(([name, test]) => {
    const waived = without.find(({ clause }) => clause === name)?.reason;
    if (waived !== undefined) return { name, waived, run: () => Promise.resolve() };
    const run = async (): Promise<void> => {
      const tested = await subject();
      try {
        await test(tested);
      } finally {
        await tested.dispose?.();
      }
    };
    return { name, run };
  });
}
