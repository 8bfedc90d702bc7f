import type { JobStore, StoreChange, StoreContext } from "../../src/ports/job-store.js";

/**
 * A ledger as one process reaches it: over a way on which calls can be counted, held up and lost, and on which nothing comes
 * back but answers, and what the test tells.
 */
export interface ReachedStore {
  readonly store: JobStore;
  /** The methods that were called, in order. */
  readonly calls: (keyof JobStore)[];
  /** What happens to a call before it reaches the ledger; null: nothing. */
  onTheWay: ((method: keyof JobStore) => Promise<void>) | null;
  /** As `onTheWay`, for answers. */
  onTheWayBack: ((method: keyof JobStore) => Promise<void>) | null;
  /** Tells the process of a change. */
  tell: (change: StoreChange) => void;
}

export function reachedStore(ledger: JobStore): ReachedStore {
  const calls: (keyof JobStore)[] = [];
  let opened: StoreContext | undefined;
  let deaf: StoreContext | undefined;
  const deafened = (context: StoreContext): StoreContext => {
    opened = context;
    return (deaf ??= { clock: context.clock });
  };
  const reached: ReachedStore = {
    calls,
    tell: (change) => opened?.onChange?.(change),
    onTheWay: null,
    onTheWayBack: null,
    store: new Proxy(ledger, {
      get: (target, property) => {
        if (property === "capabilities") return { ...target.capabilities, shared: true };
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        const method = property as keyof JobStore;
        return async (...args: unknown[]): Promise<unknown> => {
          calls.push(method);
          await reached.onTheWay?.(method);
          const isContext = method === "open" || method === "close";
          const given = isContext ? args.map((context) => deafened(context as StoreContext)) : args;
          const answer: unknown = await Reflect.apply(value, target, given);
          await reached.onTheWayBack?.(method);
          return answer;
        };
      },
    }),
  };
  return reached;
}

/** For `onTheWay`: the database is down. */
export function lost(): Promise<void> {
  return Promise.reject(new Error("connection refused"));
}
