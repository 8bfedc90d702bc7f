import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { Redactor } from "../../src/runs/redactor.js";
import { allEvents, harness } from "../support/executor-harness.js";
import { connectionTo, ScriptedDestination } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

const SECRET = "p@ss w'rd/\"ü";
const PASSWORD = "db-passw%rd";

const job = defineJob({
  name: "secretive",
  query: "select {token}",
  params: { token: { type: "VARCHAR", secret: true } },
  destination: { table: "out.t" },
});

describe("a secret", () => {
  it("of a parameter or a connection shows up nowhere, also when drivers quote it", async () => {
    const seen: unknown[] = [];
    const leaks: Play = async function* ({ query }) {
      seen.push(query.parameters.get("token")?.value);
      await Promise.resolve();
      yield idBatch([1]);
      throw new Error(`cannot use '${SECRET.replaceAll("'", "''")}'`, {
        cause: new Error(`at postgres://me:${encodeURIComponent(PASSWORD)}@host with ${JSON.stringify(SECRET)}`),
      });
    };
    const connection = {
      ...connectionTo(new ScriptedDestination(() => Promise.reject(new Error(PASSWORD)))),
      secrets: [PASSWORD],
    };
    const { executor, store, log } = harness({
      plays: { "select {token}": leaks },
      jobs: [job],
      connections: { db: connection },
    });
    await executor.start();
    const handle = await executor.submitOrThrow("secretive", { token: SECRET });
    const run = await handle.result();
    expect(seen).toEqual([SECRET]);
    expect(run).toMatchObject({
      status: "failed",
      error: { code: "query_failed" },
      parameters: { token: { secret: true } },
    });
    expect(run.error?.message).toMatch(/cannot use .*at postgres:.*with/);
    const everything = JSON.stringify([run, await allEvents(handle), store.snapshot(), log.lines]);
    for (const secret of [SECRET, PASSWORD]) {
      for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        secret.replaceAll("'", "''"),
      ]) {
        expect(everything).not.toContain(form);
        expect(everything).not.toContain(JSON.stringify(form).slice(1, -1));
      }
    }
    await executor.stop();
  });

  it("in a refused submit is masked, its cause included", async () => {
    const { executor } = harness({ jobs: [job] });
    await executor.start();
    const store = new MemoryJobStore();
    store.createRun = () => Promise.reject(new Error(`insert of ${SECRET} failed`));
    const broken = harness({ jobs: [job], store });
    await broken.executor.start();
    const error = (await broken.executor.submit("secretive", { token: SECRET }))._unsafeUnwrapErr();
    expect(error.code).toBe("store_unavailable");
    expect(error.message).toContain("***");
    expect(`${error.stack}${JSON.stringify(error)}${String(error.cause)}`).not.toContain(SECRET);
    await executor.stop();
    await broken.executor.stop();
  });

  it("is lost with the process when there is no key, and the run says so", async () => {
    const held = harness({ jobs: [job], maxConcurrentRuns: 1 });
    await held.store.open({ clock: held.clock });
    await held.executor.start();
    const { id } = await held.executor.submitOrThrow(
      "secretive",
      { token: SECRET },
      { runAt: new Date(held.clock.now() + 1) },
    );
    await held.executor.stop();
    const next = harness({ jobs: [job], store: held.store, clock: held.clock });
    await next.executor.start();
    await next.clock.advance(1_000);
    const run = await next.executor.handle(id).result();
    expect(run).toMatchObject({ status: "failed", error: { code: "secret_unavailable", parameters: ["token"] } });
    await next.executor.stop();
  });

  it("survives a restart sealed, when there is a key, and only with the same key", async () => {
    const secretKey = randomBytes(32);
    const seen: unknown[] = [];
    const reads: Play = async function* ({ query }) {
      seen.push(query.parameters.get("token")?.value);
      await Promise.resolve();
      yield idBatch([1]);
    };
    const options = { jobs: [job], plays: { "select {token}": reads } };
    const first = harness({ ...options, secretKey });
    await first.store.open({ clock: first.clock });
    await first.executor.start();
    const later = { runAt: new Date(first.clock.now() + 1) };
    const one = await first.executor.submitOrThrow("secretive", { token: SECRET }, later);
    const two = await first.executor.submitOrThrow(
      "secretive",
      { token: SECRET },
      { runAt: new Date(first.clock.now() + 5_000) },
    );
    await first.executor.stop();
    expect(JSON.stringify(first.store.snapshot())).not.toContain(SECRET);
    const same = harness({ ...options, secretKey, store: first.store, clock: first.clock });
    await same.executor.start();
    await same.clock.advance(1_000);
    expect(await same.executor.handle(one.id).result()).toMatchObject({ status: "succeeded" });
    await same.executor.stop();
    expect(seen).toEqual([SECRET]);
    const other = harness({ ...options, secretKey: randomBytes(32), store: first.store, clock: first.clock });
    await other.executor.start();
    await other.clock.advance(10_000);
    expect(await other.executor.handle(two.id).result()).toMatchObject({ error: { code: "secret_unavailable" } });
    await other.executor.stop();
  });
});

describe("the redactor", () => {
  it("masks the longest form first and leaves short secrets alone", () => {
    const redactor = new Redactor(["abc", "abcdef", "x"]);
    expect(redactor.text("abcdef abc x")).toBe("*** *** x");
  });
});
