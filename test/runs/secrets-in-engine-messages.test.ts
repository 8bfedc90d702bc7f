import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/duckdb-engine.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { allEvents, harness } from "../support/executor-harness.js";
import { connectionTo, ScriptedDestination, writeWell } from "../support/scripted-destination.js";

const SECRET = "sk-live-51H8xYtq0ZpL2mN4vB7cD9eF1gH3jK5lM8nP0qR2sT4uV6wX8yZ";

const AT = new Date("2024-03-05T06:07:08Z");
const BYTES = new TextEncoder().encode("hunter2hunter2");

/** Everything a value shows, hidden fields and causes included. */
function shown(value: unknown): string {
  return inspect(value, { depth: 20, showHidden: true, maxStringLength: null, breakLength: Infinity });
}

describe("a secret that the engine quotes shows nowhere", () => {
  // A query that fails on its parameter, the parameter's type and value, and what may not show.
  const queries: [query: string, type: string, token: unknown, needle: string][] = [
    ["select cast({token} as integer) as a", "VARCHAR", SECRET, SECRET],
    ["select {token}", "VARCHAR", SECRET, SECRET],
    ["select error({token}) as a", "VARCHAR", SECRET, SECRET],
    ["select cast({token} as tinyint) as a", "DOUBLE", 123456789.25, "123456789"],
    ["select cast({token} as tinyint) as a", "BIGINT", 9007199254740993n, "9007199254740993"],
    ["select cast(cast({token} as varchar) as integer) as a", "VARCHAR[]", [SECRET, "x"], SECRET],
    ["select cast({token} as integer) as a", "VARCHAR", "two\nlines\tand 'quotes' \\ \u0001", "lines\tand 'quotes'"],
    ["select strptime('x', {token}) as a", "VARCHAR", "%Y-hunter2hunter2-%Q", "hunter2hunter2"],
    ["select cast(cast({token} as varchar) as integer) as a", "TIMESTAMP", AT, "2024-03-05 06:07:08"],
    ["select cast(cast({token} as varchar) as integer) as a", "BLOB", BYTES, "hunter2hunter2"],
    // Messages that quote a part of the value, or what a function made of it.
    ["select regexp_matches('a', {token}) as a", "VARCHAR", "([hunter2-hunter2", "[hunter2-hunter2"],
    ["select cast(reverse({token}) as integer) as a", "VARCHAR", "2retnuh2retnuh", "hunter2hunter2"],
    ["select cast(reverse({token} || a) as integer) from (select 'x' as a)", "VARCHAR", "2retnuh", "hunter2"],
  ];
  for (const [query, type, token, needle] of queries) {
    it(`${query} with a ${type}: ${inspect(token).slice(0, 20)}`, async () => {
      const job = defineJob({
        name: "secretive",
        query,
        params: { token: { type, secret: true } } as never,
        destination: { table: "db.t" },
      });
      const { executor, store, log } = harness({
        engine: new DuckDBEngine(),
        jobs: [job],
        connections: { db: connectionTo(new ScriptedDestination(writeWell)) },
      });
      await executor.start();
      const seen: unknown[] = [await executor.preview("secretive", { token } as never, { limit: 0 })];
      const submitted = await executor.submit("secretive", { token } as never);
      seen.push(submitted);
      if (submitted.isOk()) seen.push(await submitted.value.result(), await allEvents(submitted.value));
      seen.push(store.snapshot(), log.lines);
      await executor.stop();
      expect(seen.map(shown).join("\n")).not.toContain(needle);
    });
  }
});

/** The preview of one query with a secret token. */
async function previewOf(query: string, type: string, token: unknown) {
  const job = defineJob({
    name: "secretive",
    query,
    params: { token: { type, secret: true } } as never,
    destination: { table: "db.t" },
  });
  const { executor } = harness({
    engine: new DuckDBEngine(),
    jobs: [job],
    connections: { db: connectionTo(new ScriptedDestination(writeWell)) },
  });
  await executor.start();
  const preview = await executor.preview("secretive", { token } as never, { limit: 0 });
  await executor.stop();
  return preview;
}

describe("the preview of a query with a secret", () => {
  it("plans it without the secret: the boxes of a plan break it over their lines", async () => {
    const query = "select i from range(5) t(i) where cast(i as varchar) = {token}";
    const { plan } = (await previewOf(query, "VARCHAR", SECRET))._unsafeUnwrap();
    expect(plan).toMatch(/RANGE/i);
    // Pieces as long as a line of the plan's boxes.
    for (let at = 0; at + 12 <= SECRET.length; at += 1) expect(plan).not.toContain(SECRET.slice(at, at + 12));
  });

  it("tells what the engine says of the query itself", async () => {
    const refused = (await previewOf("select nothing, {token} as t", "VARCHAR", SECRET))._unsafeUnwrapErr();
    expect(refused).toMatchObject({ code: "sql_plan_failure" });
    expect(refused.message).toContain('"nothing"');
  });
});
