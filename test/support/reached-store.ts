import type { JobStore } from "../../src/ports/job-store.js";

/** A ledger as one process reaches it: over a way on which calls can be counted, held up and lost. */
export interface ReachedStore {
  readonly store: JobStore;
  /** The methods that were called, in order. */
  readonly calls: (keyof JobStore)[];
  /** What happens to a call before it reaches the ledger; null: nothing. */
  onTheWay: ((method: keyof JobStore) => Promise<void>) | null;
  /** As `onTheWay`, for answers. */
  onTheWayBack: ((method: keyof JobStore) => Promise<void>) | null;
}

export function reachedStore(ledger: JobStore): ReachedStore {
  const calls: (keyof JobStore)[] = [];
  const reached: ReachedStore = {
    calls,
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
          const answer: unknown = await Reflect.apply(value, target, args);
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
