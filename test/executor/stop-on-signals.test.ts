import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { stopOnSignals } from "../../src/executor/stop-on-signals.js";
import type { StopOptions } from "../../src/executor/reports.js";
import type { HostPlan } from "./host/stops-on-signals.js";

const HOST = fileURLToPath(new URL("./host/stops-on-signals.ts", import.meta.url));
const RUN_SOURCE = fileURLToPath(new URL("../../build/run-source.mjs", import.meta.url));

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill("SIGKILL");
});

/** A host with one run under way. */
async function started(plan: HostPlan = {}) {
  const host = fork(HOST, [JSON.stringify(plan)], { execArgv: ["--import", RUN_SOURCE] });
  child = host;
  const exit = once(host, "exit") as Promise<[code: number | null, signal: string | null]>;
  expect((await once(host, "message"))[0]).toBe("under way");
  const report = once(host, "message").then(([message]) => message as { report: object; listeners: number });
  return { host, exit, report };
}

describe("stopOnSignals", { timeout: 30_000 }, () => {
  it("drains at the first signal, and the process ends by itself", async () => {
    const { host, exit, report } = await started({ ends: true });
    host.kill("SIGTERM");
    expect(await report).toMatchObject({ report: { succeeded: 1, handedBack: 0, unfinished: 0 }, listeners: 0 });
    expect(await exit).toEqual([0, null]);
  });

  it("interrupts and hands back at the second signal, whichever of them it is", async () => {
    const { host, exit, report } = await started();
    host.kill("SIGTERM");
    host.kill("SIGINT");
    expect(await report).toMatchObject({ report: { succeeded: 0, handedBack: 1, unfinished: 0 }, listeners: 0 });
    expect(await exit).toEqual([0, null]);
  });

  it("ends the process by the signal, when asked to, whatever keeps it alive", async () => {
    const { host, exit } = await started({ ends: true, exit: true, busy: true });
    host.kill("SIGTERM");
    expect(await exit).toEqual([null, "SIGTERM"]);
  });

  it("listens to nothing once its listeners were taken off", async () => {
    const { host, exit } = await started({ leave: true });
    host.kill("SIGTERM");
    expect(await exit).toEqual([null, "SIGTERM"]);
  });

  it("refuses options that stop would not take", () => {
    const stop = (_: StopOptions) => Promise.resolve();
    const before = process.listenerCount("SIGTERM");
    const refused = expect.objectContaining({ code: "invalid_definition", field: "options.mode" }) as Error;
    expect(() => stopOnSignals({ stop }, { mode: "at once" as "drain" })).toThrow(refused);
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });

  it("refuses what is no signal that can be heard, and listens to nothing then", () => {
    const stop = (_: StopOptions) => Promise.resolve();
    const before = process.listenerCount("SIGTERM");
    for (const signals of ["SIGTERM", ["SIGTERM", "SIGKILL"], ["SIGTERM", "SIGSTOP"], ["TERM"], [15], null]) {
      expect(() => stopOnSignals({ stop }, { signals: signals as never })).toThrow(
        expect.objectContaining({ code: "invalid_definition", field: "options.signals" }),
      );
    }
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});
