import { describe, it } from "vitest";
import type { ContractClause } from "../../src/testing/contract.js";

/** Shows a contract's clauses as tests; a waived clause shows as skipped, with its reason in the name. */
export function contractSuite(name: string, clauses: readonly ContractClause[]): void {
  describe(name, () => {
    for (const clause of clauses) {
      if (clause.waived === undefined) it(clause.name, () => clause.run());
      else it.skip(`${clause.name} (not kept: ${clause.waived})`);
    }
  });
}
