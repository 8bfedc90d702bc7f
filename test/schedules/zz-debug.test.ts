import { expect, test } from "vitest";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { harness } from "../support/executor-harness.js";
import { ScheduleKeeper } from "../../src/schedules/schedule-keeper.js";
import { OccurrenceStarter } from "../../src/schedules/occurrence-starter.js";
import { Worker } from "../../src/runs/worker.js";
for (const [c, ms] of [[ScheduleKeeper, ["stop"]], [OccurrenceStarter, ["stop", "start"]], [Worker, ["stop"]]] as const) for (const m of ms) {
  const p = (c as any).prototype; const o = p[m];
  p[m] = async function (...a: unknown[]) { console.log("->", c.name, m); const r = await o.apply(this, a); console.log("<-", c.name, m); return r; };
}
test("x", async () => {
  const made = harness({ plays: { "select 1": async function* ({ signal }) { signal.throwIfAborted(); await new Promise((_, j) => signal.addEventListener("abort", () => j(signal.reason as Error))); } },
    schedules: [defineSchedule({ id: "hourly", trigger: { cron: "0 * * * *" }, job: "load", startImmediately: false, overlap: "cancel_running" })] });
  await made.executor.start();
  await made.clock.advance(3600000);
  for (let i = 0; i < 50; i++) await made.clock.advance(0);
  console.log("2");
  await made.clock.advance(3600000);
  for (let i = 0; i < 50; i++) { const o = (await made.executor.schedules.occurrences("hourly")).occurrences; if (o[0]?.state === "started" && o[1]?.state === "cancelled") break; await made.clock.advance(0); }
  console.log((await made.executor.schedules.occurrences("hourly")).occurrences.map(o => o.state), made.log.lines);
  await made.executor.stop({ timeoutMs: 0, mode: "cancel" });
  expect(1).toBe(1);
}, 8000);
