import { contract, type ContractClause, type Waiver } from "./contract.js";
import { describeClauses } from "./engine/describe-clauses.js";
import type { QueryEngineFixture } from "./engine/engine-fixture.js";
import { parameterClauses } from "./engine/parameter-clauses.js";
import { scanClauses } from "./engine/scan-clauses.js";
import { streamClauses } from "./engine/stream-clauses.js";

export interface QueryEngineContract {
  /** Makes an engine for each clause, not yet opened. */
  readonly make: () => Promise<QueryEngineFixture>;
  /** Clauses that the engine does not keep, and why. */
  readonly without?: readonly Waiver[];
}

/**
 * The promises of the `QueryEngine` and `RowStream` ports as tests: one SELECT over what was declared, values bound
 * exactly, all rows or an error, and an end when told to.
 */
export function queryEngineContract({ make, without }: QueryEngineContract): readonly ContractClause[] {
  return contract({ ...describeClauses, ...parameterClauses, ...streamClauses, ...scanClauses }, make, without);
}
