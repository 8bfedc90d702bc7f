import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  checkedEventsOptions,
  checkedReason,
  checkedResultOptions,
  checkedRunId,
  checkedRunQuery,
  checkedStopOptions,
} from "../../src/runs/checked-arguments.js";

describe("an argument of a host in plain JavaScript", () => {
  const odd: unknown[] = [null, 42, true, "text", [], Symbol("x"), () => 1, 10n];
  const bad: [string, (value: never) => unknown, readonly unknown[], string][] = [
    ["id", checkedRunId, [undefined, {}, ...odd.filter((value) => typeof value !== "string")], "id"],
    ["reason", checkedReason, [{}, 42, true, [], Symbol("x"), () => 1, 10n], "reason"],
    ["query", checkedRunQuery, odd, "query"],
    ["query.jobName", checkedRunQuery, [{ jobName: 1 }, { jobName: null }], "query.jobName"],
    [
      "query.status",
      checkedRunQuery,
      [{ status: 1 }, { status: {} }, { status: [1] }, { status: Symbol("x") }],
      "query.status",
    ],
    ["query.limit", checkedRunQuery, [{ limit: "5" }, { limit: 5n }], "query.limit"],
    ["query.cursor", checkedRunQuery, [{ cursor: 1 }], "query.cursor"],
    ["query.jobname", checkedRunQuery, [{ jobname: "load" }], "query.jobname"],
    ["events", checkedEventsOptions, odd, "options"],
    ["after", checkedEventsOptions, [NaN, -1, 1.5, "2", Infinity, 2n].map((after) => ({ after })), "options.after"],
    ["signal", checkedEventsOptions, [{}, null, "x"].map((signal) => ({ signal })), "options.signal"],
    ["result", checkedResultOptions, [{ signal: {} }], "options.signal"],
    ["stop", checkedStopOptions, odd, "options"],
    ["mode", checkedStopOptions, [{ mode: "canel" }, { mode: null }], "options.mode"],
    [
      "timeoutMs",
      checkedStopOptions,
      [-1, NaN, "5", null, 2 ** 31].map((timeoutMs) => ({ timeoutMs })),
      "options.timeoutMs",
    ],
  ];
  for (const [name, check, values, field] of bad) {
    for (const value of values) {
      it(`${name} is refused by name: ${inspect(value)}`, () => {
        expect(() => check(value as never)).toThrowError(
          expect.objectContaining({ code: "invalid_definition", field }) as Error,
        );
      });
    }
  }

  it("is given back when it is right", () => {
    expect(checkedRunId("run-1")).toBe("run-1");
    expect([checkedReason(undefined), checkedReason(null), checkedReason("why")]).toEqual([null, null, "why"]);
    const query = { status: ["failed", "running"], limit: 5, cursor: "x", jobName: "load" } as const;
    expect(checkedRunQuery(query)).toBe(query);
    expect(checkedRunQuery(undefined)).toEqual({});
    const { signal } = new AbortController();
    expect(checkedEventsOptions({ after: 0, signal })).toEqual({ after: 0, signal });
    expect(checkedResultOptions({ signal })).toEqual({ signal });
    expect(checkedStopOptions({ mode: "cancel", timeoutMs: 0 })).toEqual({ mode: "cancel", timeoutMs: 0 });
    expect(checkedStopOptions(undefined)).toEqual({});
  });

  it("that is misspelt is told what is near", () => {
    expect(() => checkedStopOptions({ timeOutMs: 5 } as never)).toThrowError(/Did you mean "timeoutMs"\?/);
  });
});
