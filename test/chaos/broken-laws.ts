import type { Connection } from "../../src/ports/connection.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { overlaid } from "../support/overlaid.js";
import { withoutFence } from "../support/without-fence.js";

/** A law that the processes of a trial break, to see that the trial finds it out. */
export type BrokenLaw = "fence" | "lease";

export function brokenConnection(connection: Connection, law: BrokenLaw | null): Connection {
  return law === "fence" ? withoutFence(connection) : connection;
}

export function brokenStore(store: JobStore, law: BrokenLaw | null): JobStore {
  return law === "lease" ? withoutLease(store) : store;
}

/** A ledger that asks nobody for the lease: whoever held a run once goes on as if it still were his. */
function withoutLease(store: JobStore): JobStore {
  const epochNow = async (id: string): Promise<number> => (await store.getRun(id))?.lease?.epoch ?? 0;
  return overlaid(store, {
    transition: async (id, change, events) => store.transition(id, { ...change, epoch: await epochNow(id) }, events),
    renewLease: async (id, renewal) => store.renewLease(id, { ...renewal, epoch: await epochNow(id) }),
    appendEvents: async (id, _epoch, events) => store.appendEvents(id, await epochNow(id), events),
  });
}
