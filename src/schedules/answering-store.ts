import type { Clock } from "../ports/clock.js";
import type { ScheduleStore } from "../ports/schedule-store.js";
import { withAnswer } from "../runs/waiting.js";

/** The same store, whose acts reject with `store_unavailable` when it does not answer: nobody waits for it for ever. */
export function answeringStore(store: ScheduleStore, clock: Clock): ScheduleStore {
  return new Proxy(store, {
    get: (target, name) => {
      const act: unknown = Reflect.get(target, name, target);
      if (typeof act !== "function") return act;
      return (...given: unknown[]) => withAnswer(clock, Promise.resolve(Reflect.apply(act, target, given)));
    },
  });
}
