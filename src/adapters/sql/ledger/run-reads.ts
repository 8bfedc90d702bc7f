import { isJobError } from "../../../model/job-error.js";
import type { PendingCancel } from "../../../model/run-change.js";
import type { RunEvent } from "../../../model/run-event.js";
import { runCursor, type RunPageRequest } from "../../../model/run-paging.js";
import { RUN_STATUSES } from "../../../model/run-status.js";
import type { CancelRequest, JobRun, RunPage, UnreadableRun } from "../../../model/run.js";
import type { FullRow } from "../ledger-schema.js";
import { eventOf, listedAs, recordOf } from "../run-rows.js";
import type { Definitions } from "../definitions.js";
import type { LedgerConnections } from "./ledger-connections.js";
import type { LedgerOperations } from "./ledger-operations.js";

/** How many runs whose time has come are looked at for the connections that they need. */
const LOOKED_AT = 1_000;

/** Answers questions about runs. */
export class RunReads {
  constructor(
    private readonly connections: LedgerConnections,
    private readonly definitions: Definitions,
  ) {}

  async run(id: string): Promise<JobRun | undefined> {
    const [row] = await this.#ask((ledger) => ledger.runById({ id }));
    return row && recordOf(row, this.definitions.read).run;
  }

  async page(request: RunPageRequest): Promise<RunPage> {
    const rows = await this.#rows(request);
    const page = rows.slice(0, request.limit);
    const unreadable: UnreadableRun[] = [];
    const runs = page.flatMap((row) => this.#readable(row, unreadable) ?? []);
    const last = page.at(-1);
    return {
      runs,
      ...(last && rows.length > page.length && { nextCursor: runCursor(last.seq) }),
      ...(unreadable.length > 0 && { unreadable }),
    };
  }

  async events(id: string, after: number, limit: number): Promise<readonly RunEvent[]> {
    if (limit <= 0) return [];
    const rows = await this.#ask((ledger) => ledger.events({ id, after, limit }));
    return rows.map((row) => eventOf(id, row));
  }

  async nextDueAt(): Promise<Date | undefined> {
    const [next] = await this.#ask((ledger) => ledger.nextDue());
    return next?.at == null ? undefined : new Date(next.at);
  }

  async missingConnections(available: readonly string[]): Promise<readonly string[]> {
    const lines = await Promise.all([
      this.#ask((ledger) => ledger.readyLines()),
      this.#ask((ledger) => ledger.dueLines({ limit: LOOKED_AT })),
      this.#ask((ledger) => ledger.expiredLeases()),
    ]);
    const needed = lines.flat().flatMap(({ connections }) => namesIn(connections));
    return [...new Set(needed)].filter((name) => !available.includes(name)).sort();
  }

  async cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    const rows = await this.#ask((ledger) => ledger.cancelRequests({ owner }));
    return rows.map(({ id, epoch, cancel_request: request }) => ({ runId: id, epoch, reason: reasonIn(request) }));
  }

  // One seek in an index for each kind of status: a plain query over several would sort all runs that have one of them.
  #rows({ jobName: job, statuses, limit, before }: RunPageRequest): Promise<readonly FullRow[]> {
    const range = { before, limit: limit + 1 };
    if (job === undefined && !statuses) return this.#ask((ledger) => ledger.page(range));
    const kinds = new Set((statuses ?? RUN_STATUSES).map(listedAs));
    kinds.delete("active");
    const asked = { ...range, listed: [...kinds], statuses: statuses ?? null };
    return this.#ask((ledger) =>
      job === undefined ? ledger.pageOfListed(asked) : ledger.pageOfJobListed({ ...asked, job }),
    );
  }

  #readable(row: FullRow, unreadable: UnreadableRun[]): JobRun | undefined {
    try {
      return recordOf(row, this.definitions.read).run;
    } catch (error) {
      if (!isJobError(error, "store_unavailable")) throw error;
      unreadable.push({ id: row.id, reason: error.message });
      return undefined;
    }
  }

  async #ask<Row>(question: (ledger: LedgerOperations) => Promise<readonly Row[]>): Promise<readonly Row[]> {
    // Nothing has to be known before the commit, which therefore need not wait.
    const { rows } = await this.connections.transaction(READING, async ({ ledger }) => {
      const asked = question(ledger);
      // Whoever awaits the commit hears of the failure.
      asked.catch(() => undefined);
      return { rows: asked };
    });
    return rows;
  }
}

const READING = { durable: false, plans: "finding" } as const;

// A line that is not JSON belongs to a run that cannot be read: claims tell of it.
function namesIn(line: string): readonly string[] {
  try {
    return JSON.parse(line) as readonly string[];
  } catch {
    return [];
  }
}

function reasonIn(request: string | null): string | null {
  try {
    return (JSON.parse(request ?? "null") as CancelRequest | null)?.reason ?? null;
  } catch {
    return null;
  }
}
