import type { LedgerOperations } from "../../sql/ledger/ledger-operations.js";
import type { Statement } from "./statement.js";
import type { Statements } from "./statements.js";

/** Sends a statement of the ledger. */
export type Run = <Given extends object, Row>(
  statement: Statement<Given, Row>,
  given: Given,
) => Promise<readonly Row[]>;

/** Postgres takes no text that holds it, so no run has it in its id. */
export const NUL = "\0";

/** What a ledger asks of Postgres, each in one statement. */
export function postgresOperations(statements: Statements, channel: string, run: Run): LedgerOperations {
  return {
    lockRuns: (given) => run(statements.lockRuns, given),
    lockRunsBySeq: (given) => run(statements.lockRunsBySeq, given),
    runById: async (given) => (given.id.includes(NUL) ? [] : run(statements.runById, given)),
    runsByKey: (given) => run(statements.runsByKey, given),
    takenIds: (given) => run(statements.takenIds, given),

    look: async () => {
      const [{ now = 0, overdue = false, due = false, lines = "[]" } = {}] = await run(statements.look, {});
      return { now, overdue, due, lines: JSON.parse(lines) as readonly string[] };
    },
    overdueRuns: (given) => run(statements.overdueRuns, given),
    wakeRuns: (given) => run(statements.wakeRuns, given),
    readyLines: () => run(statements.readyLines, {}),
    dueLines: (given) => run(statements.dueLines, given),
    readyRuns: (given) => run(statements.readyRuns, given),
    expiredLeases: () => run(statements.expiredLeases, {}),

    lockGates: (given) => run(statements.lockGates, { ...given, channel }),
    tryGates: (given) => run(statements.tryGates, { ...given, channel }),
    behindGates: (given) => run(statements.behindGates, given),
    park: (given) => run(statements.park, given),
    callParked: (given) => run(statements.callParked, given),

    insertRuns: (given) => run(statements.insertRuns, given),
    writeSteps: (given) => run(statements.writeSteps, given),
    writeKnown: (given) => run(statements.writeKnown, given),

    cancelRequests: (given) => run(statements.cancelRequests, given),
    nextDue: () => run(statements.nextDue, {}),
    page: (given) => run(statements.page, given),
    pageOfListed: (given) => run(statements.pageOfListed, given),
    pageOfJobListed: (given) => run(statements.pageOfJobListed, given),
    events: async (given) => (given.id.includes(NUL) ? [] : run(statements.events, given)),

    prune: (given) => run(statements.prune, given),
  };
}
