import { performance } from "node:perf_hooks";
import { isTerminal, type JobStore } from "millrace";

/** The store, with some of its methods replaced. */
function withMethods(store: JobStore, methods: Partial<JobStore>): JobStore {
  const known = new Map<PropertyKey, unknown>(Object.entries(methods));
  return new Proxy(store, {
    get(target, key) {
      if (known.has(key)) return known.get(key);
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const bound: unknown = value.bind(target);
      known.set(key, bound);
      return bound;
    },
  });
}

/** The store, telling of every run that its owner brought to an end. */
export function tellingEnds(store: JobStore, onEnd: () => void): JobStore {
  return withMethods(store, {
    transition: async (id, change, events) => {
      const outcome = await store.transition(id, change, events);
      if (outcome.moved && isTerminal(change.to)) onEnd();
      return outcome;
    },
  });
}

/** One call of a store: when it was made and answered, in milliseconds of `performance.now()`. */
export interface StoreCall {
  readonly method: string;
  readonly from: number;
  readonly to: number;
  /** Undefined for a call that rejected. */
  readonly answer: unknown;
}

/** The store, telling of each call when it is answered. */
export function tellingCalls(store: JobStore, onAnswer: (call: StoreCall) => void): JobStore {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const from = performance.now();
        let answer: unknown;
        try {
          return (answer = await (value.apply(target, args) as unknown));
        } finally {
          onAnswer({ method: String(key), from, to: performance.now(), answer });
        }
      };
    },
  });
}
