import type { Connection } from "../ports/connection.js";
import type { EngineTarget, EngineWriter } from "../ports/engine-target.js";
import type { JobDestination, WriteRequest } from "../ports/job-destination.js";
import type { JobStore } from "../ports/job-store.js";
import type { RowStream } from "../ports/row-stream.js";

/**
 * The places between which a run's fate changes, in the order in which a run passes them. Wrappers around the ports
 * reach them; the product itself knows nothing of them.
 */
export const CRASH_POINTS = [
  /** The run is ours in the ledger, and nothing has been done yet. */
  "store.claim:after",
  "destination.write:before",
  /** The destination asks for its second batch, or for the end after its only one; or an engine wrote all rows itself. */
  "destination.first-batch",
  /** All rows are staged. */
  "permit:before",
  "store.transition.committing:before",
  /** The ledger says `committing`, and the destination does not know yet. */
  "store.transition.committing:after",
  /** The destination may commit, and has not. */
  "permit:after",
  /** The commit is in the destination, and the ledger does not know. */
  "commit:after",
  "store.transition.succeeded:before",
  "store.transition.succeeded:after",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** What to do at a point, each time that it is passed. Throwing fails the call there; a promise holds it up. */
export type CrashAction = () => void | Promise<void>;

export type CrashPoints = Readonly<Partial<Record<CrashPoint, CrashAction>>>;

/** Ends this process at once, as a power cut would. */
export const killProcess: CrashAction = () => {
  process.kill(process.pid, "SIGKILL");
};

/** Stops this process until somebody sends it SIGCONT. */
export const stopProcess: CrashAction = () => {
  process.kill(process.pid, "SIGSTOP");
};

/** The same store, with an action at each of its points. */
export function crashingStore(store: JobStore, points: CrashPoints): JobStore {
  return overlaid(store, {
    claimRuns: async (claim) => {
      const runs = await store.claimRuns(claim);
      if (runs.length > 0) await points["store.claim:after"]?.();
      return runs;
    },
    transition: async (id, change, events) => {
      if (change.to !== "committing" && change.to !== "succeeded") return store.transition(id, change, events);
      await points[`store.transition.${change.to}:before`]?.();
      const outcome = await store.transition(id, change, events);
      await points[`store.transition.${change.to}:after`]?.();
      return outcome;
    },
  });
}

/** The same connection, with an action at each point of its destinations. */
export function crashingConnection(connection: Connection, points: CrashPoints): Connection {
  return overlaid(connection, {
    destination: (table) => {
      const destination = connection.destination?.(table);
      return destination && crashingDestination(destination, points);
    },
  });
}

/** The same destination, with an action at each of its points. */
export function crashingDestination(destination: JobDestination, points: CrashPoints): JobDestination {
  return overlaid(destination, {
    write: async (rows, request) => {
      await points["destination.write:before"]?.();
      const receipt = await destination.write(crashingRows(rows, points), crashingRequest(request, points));
      await points["commit:after"]?.();
      return receipt;
    },
  });
}

function crashingRequest(request: WriteRequest, points: CrashPoints): WriteRequest {
  return {
    ...request,
    permit: async (staged) => {
      await points["permit:before"]?.();
      const permit = await request.permit(staged);
      await points["permit:after"]?.();
      return permit;
    },
  };
}

function crashingRows(rows: RowStream, points: CrashPoints): RowStream {
  const into = rows.into?.bind(rows);
  return overlaid(rows, {
    async *[Symbol.asyncIterator]() {
      let isFirst = true;
      for await (const batch of rows) {
        yield batch;
        if (isFirst) await points["destination.first-batch"]?.();
        isFirst = false;
      }
    },
    ...(into && {
      into: <T>(target: EngineTarget<T>) => {
        return into(overlaid(target, { write: (writer) => target.write(crashingWriter(writer, points)) }));
      },
    }),
  });
}

function crashingWriter(writer: EngineWriter, points: CrashPoints): EngineWriter {
  return overlaid(writer, {
    writeRows: async (before, after) => {
      const written = await writer.writeRows(before, after);
      await points["destination.first-batch"]?.();
      return written;
    },
  });
}

/** `base` with some members replaced. Everything else, private state included, stays with `base` itself. */
function overlaid<T extends object>(base: T, members: Partial<T>): T {
  const read = (key: PropertyKey): unknown => {
    if (Object.hasOwn(members, key)) return Reflect.get(members, key);
    const value: unknown = Reflect.get(base, key, base);
    return typeof value === "function" ? (value.bind(base) as unknown) : value;
  };
  // A target of its own: the members of a frozen `base` could not be replaced.
  return new Proxy({} as T, { get: (_target, key) => read(key), has: (_target, key) => key in base });
}
