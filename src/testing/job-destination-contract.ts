import { contract, type ContractClause, type Waiver } from "./contract.js";
import { commitClauses } from "./destination/commit-clauses.js";
import type { DestinationFixture } from "./destination/destination-fixture.js";
import { interruptionClauses } from "./destination/interruption-clauses.js";
import { tableClauses } from "./destination/table-clauses.js";
import { typeClauses } from "./destination/type-clauses.js";

export interface JobDestinationContract {
  /** Makes an empty system for each clause. */
  readonly make: () => Promise<DestinationFixture>;
  /** Clauses that the destination does not keep, and why. */
  readonly without?: readonly Waiver[];
}

/**
 * The promises of the `JobDestination` port as tests: all or nothing, one commit for one id, what became of it, columns
 * by name, values exactly. Crashes are not among them, since killing a process takes one: see the crash points.
 */
export function jobDestinationContract({ make, without }: JobDestinationContract): readonly ContractClause[] {
  return contract({ ...commitClauses, ...interruptionClauses, ...tableClauses, ...typeClauses }, make, without);
}
