import assert from "node:assert/strict";
import type { StoreContext } from "../../ports/job-store.js";
import { Ear } from "./ear.js";
import { PROGRESS, refused, type Clauses, type Trial } from "./trial.js";

/** What a store promises to several who have it open: the host, and any number of executors. */
export const openerClauses: Clauses = {
  "a store stays open until all who opened it have closed it": async (trial) => {
    const [first, second] = [contextOf(trial), contextOf(trial)];
    for (const context of [first, second, second]) await trial.store.open(context);
    // One who never opened it, or has closed it already, takes nothing from the others.
    for (const context of [first, first, contextOf(trial)]) await trial.store.close(context);
    const { id } = await trial.submit();
    await trial.store.close(second);
    assert.equal((await trial.get(id)).status, "pending");
    await trial.store.close(trial.subject);
    assert.equal(trial.store.isOpen, false);
    await refused("store_unavailable", () => trial.store.getRun(id));
    await trial.store.open(first);
    assert.equal(trial.store.isOpen, true);
  },

  "closing a store without saying for whom closes it for all": async (trial) => {
    await trial.store.open(contextOf(trial));
    await trial.store.close();
    assert.equal(trial.store.isOpen, false);
    await refused("store_unavailable", () => trial.submit());
  },

  "who has a store open hears within a second what others do through it": async (trial) => {
    const ear = new Ear(trial);
    const context = { clock: trial.clock, onChange: ear.onChange };
    await trial.store.open(context);
    await ear.hears("pending", () => trial.submit());
    const run = await trial.claimOne();
    await ear.hears("run", () => trial.store.appendEvents(run.id, 1, [PROGRESS]), run.id);
    await ear.hears("cancel", () => trial.store.requestCancel(run.id, null), run.id);
    await ear.hears("run", () => trial.move(run, "cancelled"), run.id);
    await trial.store.close(context);
    ear.forget();
    await trial.submit();
    await trial.clock.advance(1_000);
    assert.deepEqual(ear.heard, []);
  },
};

function contextOf({ clock }: Trial): StoreContext {
  return { clock };
}
