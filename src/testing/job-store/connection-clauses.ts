import assert from "node:assert/strict";
import { ids, LEASE_MS, type Clauses } from "./trial.js";

export const connectionClauses: Clauses = {
  "a claim takes only runs whose connections the worker has, in their order": async (trial) => {
    await trial.submit({ id: "crm", connections: ["crm"], priority: 9 });
    await trial.submit({ id: "none" });
    await trial.submit({ id: "both", connections: ["crm", "lake"], priority: 5 });
    await trial.submit({ id: "lake", connections: ["lake"], priority: 1 });
    await trial.submit({ id: "lake too", connections: ["lake"] });
    assert.deepEqual(ids(await trial.claim({ connections: ["lake"], limit: 2 })), ["lake", "none"]);
    assert.deepEqual(ids(await trial.claim({ connections: ["lake"] })), ["lake too"]);
    assert.deepEqual(ids(await trial.claim({ connections: [] })), []);
    assert.deepEqual(ids(await trial.claim({ connections: ["lake", "crm", "other"] })), ["crm", "both"]);
    await trial.submit({ id: "any", connections: ["crm"] });
    assert.deepEqual(ids(await trial.claim()), ["any"]);
  },

  "a run whose start deadline has passed fails, whoever claims": async (trial) => {
    const { id } = await trial.submit({ connections: ["crm"], startDeadline: trial.now(10) });
    await trial.clock.advance(11);
    const [failed] = await trial.claim({ connections: [] });
    assert.deepEqual([failed?.id, failed?.status], [id, "failed"]);
  },

  "a take-over leaves runs whose connections the worker lacks": async (trial) => {
    await trial.submit({ id: "crm", connections: ["crm"] });
    await trial.submit({ id: "none" });
    await trial.claim();
    await trial.clock.advance(LEASE_MS);
    assert.deepEqual(ids(await trial.takeOver({ connections: ["lake"], limit: 1 })), ["none"]);
    assert.deepEqual(ids(await trial.takeOver({ connections: ["lake"] })), []);
    assert.deepEqual(ids(await trial.takeOver({ connections: ["crm", "lake"] })), ["crm"]);
  },

  "missingConnections names what runs that could start need and nobody here has": async (trial) => {
    const missing = (...available: readonly string[]): Promise<readonly string[]> =>
      trial.store.missingConnections(available);
    assert.deepEqual(await missing(), []);
    await trial.submit({ connections: ["crm", "lake"] });
    await trial.submit({ connections: ["app", "lake"] });
    const later = await trial.submit({ connections: ["archive"], runAt: trial.now(100) });
    assert.deepEqual(await missing(), ["app", "crm", "lake"]);
    assert.deepEqual(await missing("lake", "app", "other"), ["crm"]);
    assert.deepEqual(await missing("lake", "app", "crm"), []);
    await trial.clock.advance(100);
    assert.deepEqual(await missing("lake", "app", "crm"), ["archive"]);
    await trial.store.requestCancel(later.id, null);
    assert.deepEqual(await missing("lake", "crm"), ["app"]);
    await trial.claim();
    assert.deepEqual(await missing(), []);
  },

  "missingConnections names what runs need whose lease expired, as far as nobody here has it": async (trial) => {
    const missing = (...available: readonly string[]): Promise<readonly string[]> =>
      trial.store.missingConnections(available);
    await trial.submit({ connections: ["crm"] });
    await trial.submit({ connections: ["lake"] });
    const [committing, running] = await trial.claim();
    assert(committing && running);
    await trial.move(committing, "committing", { commitId: committing.id });
    await trial.clock.advance(LEASE_MS - 1);
    assert.deepEqual(await missing(), []);
    await trial.clock.advance(1);
    assert.deepEqual(await missing(), ["crm", "lake"]);
    assert.deepEqual(await missing("lake"), ["crm"]);
    await trial.takeOver();
    assert.deepEqual(await missing(), []);
  },
};
