import assert from "node:assert/strict";
import type { RunEventBody } from "../../model/run-event.js";
import { DEFINITION, ERROR, moveOf, type Clauses } from "./trial.js";

export const copyClauses: Clauses = {
  "changing what was passed in changes nothing, also before the act ends": async (trial) => {
    const given = structuredClone({ ...trial.newRun({ runAt: trial.now() }), definition: DEFINITION });
    const creating = trial.create(given);
    spoil(given);
    const { run } = await creating;
    spoil(given);
    assert.deepEqual(await trial.get(run.id), run);
    assert.deepEqual(run.definition, DEFINITION);

    const running = await trial.claimOne();
    const events: RunEventBody[] = [{ type: "run.failed", error: structuredClone(ERROR) }];
    const change = moveOf(running, "failed", { error: structuredClone(ERROR) });
    const moving = trial.store.transition(run.id, change, events);
    spoil(change);
    spoil(events);
    assert((await moving).moved);
    assert.deepEqual((await trial.get(run.id)).error, ERROR);
    const last = (await trial.events(run.id)).at(-1);
    assert(last?.type === "run.failed");
    assert.deepEqual(last.error, ERROR);
  },

  "changing what came out changes nothing": async (trial) => {
    const parameters = { list: [1, { deep: true }] };
    const { id } = await trial.submit({ runAt: trial.now(), connections: ["crm"], parameters });
    await trial.submit({ runAt: trial.now(1_000) });
    await trial.submit({ startDeadline: trial.now() });
    await trial.submit({ connections: ["lake"] });
    await trial.clock.advance(1);
    const outcomes = [
      () => trial.store.getRun(id),
      () => trial.store.listRuns({}),
      () => trial.store.failOverdue(1),
      () => trial.claim({ connections: ["crm"] }),
      () => trial.store.renewLease(id, { epoch: 1, leaseMs: 1_000 }),
      () => trial.store.requestCancel(id, "why"),
      () => trial.store.cancelRequests("worker"),
      () => trial.store.nextDueAt(),
      () => trial.store.missingConnections([]),
      () => trial.store.readEvents(id, { after: 0, limit: 10 }),
      () => trial.store.transition(id, { from: "pending", to: "failed", epoch: 1 }, []),
      () => trial.store.transition(id, { from: "running", to: "failed", epoch: 1, error: ERROR }, []),
      () => trial.create(trial.newRun({ parameters: { list: [1] } })),
    ];
    for (const outcome of outcomes) {
      const value = await outcome();
      const before = structuredClone([await trial.store.listRuns({}), await trial.events(id)]);
      spoil(value);
      assert.deepEqual([await trial.store.listRuns({}), await trial.events(id)], before);
    }
  },
};

// Changes every part of a value that lets itself be changed; a store may also give out frozen ones.
export function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Date) {
    value.setTime(0);
    return;
  }
  for (const [key, part] of Object.entries(value)) {
    spoil(part);
    if (typeof part !== "object" || part === null) Reflect.set(value, key, "spoilt");
  }
  Reflect.set(value, "spoilt", true);
}
