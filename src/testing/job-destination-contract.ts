import { strict as assert } from "node:assert";
import { contract, type ContractClause, type Waiver } from "./contract.js";
import { commitClauses } from "./destination/commit-clauses.js";
import { deleteInsertClauses } from "./destination/delete-insert-clauses.js";
import { type DestinationFixture, TABLE } from "./destination/destination-fixture.js";
import { insertOnlyClauses } from "./destination/insert-only-clauses.js";
import { interruptionClauses } from "./destination/interruption-clauses.js";
import { stateClauses } from "./destination/state-clauses.js";
import { tableClauses } from "./destination/table-clauses.js";
import { typeClauses } from "./destination/type-clauses.js";
import { upsertClauses } from "./destination/upsert-clauses.js";

export interface JobDestinationContract {
  /** Makes an empty system for each clause. */
  readonly make: () => Promise<DestinationFixture>;
  /**
   * What the destination's capabilities offer beyond append and overwrite. The clauses of the others need no waiver.
   * Default: nothing.
   */
  readonly offers?: readonly DestinationOffer[];
  /** Clauses that the destination does not keep, and why. */
  readonly without?: readonly Waiver[];
}

export type DestinationOffer = keyof typeof OFFERED;

const OFFERED = {
  upsert: { clauses: upsertClauses, absent: "it takes no upserts" },
  deleteInsert: { clauses: deleteInsertClauses, absent: "it deletes no rows by keys" },
  insertOnly: { clauses: insertOnlyClauses, absent: "it looks for no keys that are there" },
  state: { clauses: stateClauses, absent: "it keeps no state of a job" },
} as const;

const OFFERS = ["upsert", "deleteInsert", "insertOnly", "state"] as const satisfies readonly DestinationOffer[];

/**
 * The promises of the `JobDestination` port as tests: all or nothing, one commit for one id, what became of it, columns
 * by name, values exactly, rows with keys, what a job remembers. Crashes are not among them, since killing a process takes
 * one: see the crash points.
 */
export function jobDestinationContract({
  make,
  offers = [],
  without = [],
}: JobDestinationContract): readonly ContractClause[] {
  const optional = Object.entries(OFFERED).map(([offer, { clauses, absent }]) => {
    return { clauses, offered: offers.some((one) => one === offer), absent };
  });
  const absent = optional.flatMap(({ clauses, offered, absent: reason }) => {
    return offered ? [] : Object.keys(clauses).map((clause) => ({ clause, reason }));
  });
  const clauses = {
    "its capabilities offer what it is tested for": async (fixture: DestinationFixture) => {
      const { modes, state = false } = fixture.destination(TABLE).capabilities;
      const offered = OFFERS.filter((offer) => (offer === "state" ? state : modes.includes(offer)));
      assert.deepEqual(
        offered,
        OFFERS.filter((offer) => offers.includes(offer)),
        "name in `offers` what the capabilities offer, and nothing else",
      );
    },
    ...commitClauses,
    ...interruptionClauses,
    ...tableClauses,
    ...typeClauses,
    ...upsertClauses,
    ...deleteInsertClauses,
    ...insertOnlyClauses,
    ...stateClauses,
  };
  return contract(clauses, make, [...without, ...absent]);
}
