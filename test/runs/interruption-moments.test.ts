import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { drainRows, ScriptedDestination } from "../support/scripted-destination.js";
import { rowsOf } from "../support/stub-engine.js";

describe("every moment of a time-out, a cancel and a stop", () => {
  // A search: one run, one interruption after so many turns of the loop, and the law checked at the end.
  for (const what of ["cancel", "timeout", "stop"] as const) {
    it(`${what}: the destination and the ledger agree`, async () => {
      for (let turns = 0; turns < 60; turns += 1) {
        let landed = 0;
        const destination = new ScriptedDestination(async (rows, request) => {
          const rowsStaged = await drainRows(rows);
          const permit = await request.permit({ rowsStaged });
          // A commit takes its time, and fails if the signal is aborted after the permit.
          for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
          request.signal.throwIfAborted();
          landed += 1;
          return permit.committed();
        });
        const clock = new ManualClock();
        const store = new MemoryJobStore();
        await store.open({ clock });
        const { executor } = harness({
          destination,
          store,
          clock,
          plays: { "select 1": rowsOf(3, 1) },
          execution: what === "timeout" ? { timeoutMs: 1 } : {},
        });
        await executor.start();
        const handle = await executor.submitOrThrow("load");
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        let told = "";
        if (what === "cancel") told = await handle.cancel();
        if (what === "timeout") {
          clock.jumpTo(clock.now() + 1);
          await clock.advance(0);
        }
        if (what === "stop") await executor.stop({ mode: "cancel" });
        else await handle.result();
        const run = await store.getRun(handle.id);
        expect({ turns, landed }).toEqual({ turns, landed: run?.status === "succeeded" ? 1 : 0 });
        if (what === "cancel") {
          const expected = {
            cancelled: ["cancelled"],
            requested: ["cancelled"],
            too_late: ["succeeded"],
            already_finished: ["succeeded"],
          };
          expect(expected[told as keyof typeof expected], `${turns} ${told}`).toContain(run?.status);
        }
        if (what === "stop") expect(run?.status).toMatch(/succeeded|pending/);
        else await executor.stop();
      }
    });
  }
});
