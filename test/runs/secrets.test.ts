import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobError } from "../../src/model/job-error.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { Redactor } from "../../src/runs/redactor.js";
import { SecretVault } from "../../src/runs/secret-vault.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { allEvents, harness } from "../support/executor-harness.js";
import { connectionTo, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

const SECRET = "p@ss w'rd/\"ü";
const PASSWORD = "db-passw%rd";

const SPEC = {
  name: "secretive",
  query: "select {token}",
  params: { token: { type: "VARCHAR", secret: true } },
} as const;

const job = defineJob({ ...SPEC, destination: { table: "out.t" } });

/** Everything an error shows, hidden fields and causes included. */
function shown(value: unknown): string {
  return inspect(value, { depth: 20, showHidden: true, maxStringLength: null, breakLength: Infinity });
}

/** A run whose query fails with a message that quotes both secrets, and all that is told of it. */
async function leakingRun(jobs: Parameters<typeof harness>[0] & { name: string; parameters?: { token: string } }) {
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
  const { name, parameters, ...options } = jobs;
  const { executor, store, log } = harness({
    ...options,
    plays: { "select {token}": leaks, "select 1": leaks },
    connections: { db: connection },
  });
  await executor.start();
  const handle = await executor.submitOrThrow(name, parameters);
  const run = await handle.result();
  const everything = JSON.stringify([run, await allEvents(handle), store.snapshot(), log.lines]);
  await executor.stop();
  return { run, seen, everything };
}

function spellings(secret: string): readonly string[] {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), secret.replaceAll("'", "''")];
  return forms.flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
}

describe("a secret", () => {
  it("of a parameter shows up nowhere: what the engine said is withheld", async () => {
    const { run, seen, everything } = await leakingRun({
      jobs: [job],
      name: "secretive",
      parameters: { token: SECRET },
    });
    expect(seen).toEqual([SECRET]);
    expect(run).toMatchObject({
      status: "failed",
      error: { code: "query_failed", retryable: true },
      parameters: { token: { secret: true } },
    });
    expect(run.error?.message).toContain("withheld");
    for (const secret of [SECRET, PASSWORD]) {
      for (const form of spellings(secret)) expect(everything).not.toContain(form);
    }
  });

  it("of a connection is masked in what drivers quote", async () => {
    const { run, everything } = await leakingRun({ name: "load" });
    expect(run.error?.message).toMatch(/cannot use .*at postgres:.*\*\*\*@host with/);
    for (const form of spellings(PASSWORD)) expect(everything).not.toContain(form);
  });

  it("in a refused submit is masked, its cause included", async () => {
    const { executor } = harness({ jobs: [job] });
    await executor.start();
    const store = new MemoryJobStore();
    const failed = { message: `insert of ${SECRET} failed`, hint: "", nothingStored: true };
    store.createRuns = () => Promise.reject(new JobError("store_unavailable", failed));
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

describe("a secret in an error that the host gets", () => {
  const leaks: [string, () => Error][] = [
    ["in another field of a driver's error", () => Object.assign(new Error("refused"), { detail: `token=${SECRET}` })],
    ["in one of an AggregateError's errors", () => new AggregateError([new Error(`with ${SECRET}`)], "all failed")],
    [
      "in a cause's field",
      () => new Error("outer", { cause: Object.assign(new Error("inner"), { params: [SECRET] }) }),
    ],
  ];
  const intoDb = defineJob({ ...SPEC, destination: { table: "db.t" } });

  for (const [name, error] of leaks) {
    it(`does not show ${name}`, async () => {
      const destination = new ScriptedDestination(writeWell);
      destination.schema = () => Promise.reject(error());
      const { executor } = harness({ jobs: [intoDb], connections: { db: connectionTo(destination) } });
      await executor.start();
      const refused = (await executor.submit("secretive", { token: SECRET }))._unsafeUnwrapErr();
      expect(shown(refused)).not.toContain(SECRET);
      expect(refused.cause).toBeUndefined();
      await executor.stop();
    });
  }

  it("does not show in what names the fault", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = () =>
      Promise.resolve({ columns: [{ name: SECRET, type: { kind: "text" }, nullable: false }] }) as never;
    const { executor } = harness({ jobs: [intoDb], connections: { db: connectionTo(destination) } });
    await executor.start();
    const refused = (await executor.submit("secretive", { token: SECRET }))._unsafeUnwrapErr();
    expect(refused).toMatchObject({ code: "schema_mismatch", columns: expect.arrayContaining(["***"]) as unknown });
    expect(shown(refused)).not.toContain(SECRET);
    await executor.stop();
  });

  it("keeps the cause where there is no secret", async () => {
    const destination = new ScriptedDestination(writeWell);
    const driverError = new Error("refused");
    destination.schema = () => Promise.reject(driverError);
    const { executor } = harness({ destination });
    await executor.start();
    const refused = (await executor.submit("load"))._unsafeUnwrapErr();
    expect(refused.cause).toBe(driverError);
    await executor.stop();
  });
});

describe("an id that comes twice", () => {
  it("is refused, and does not touch the first run's secrets", async () => {
    const seen: unknown[] = [];
    const reads: Play = async function* ({ query }) {
      seen.push(query.parameters.get("token")?.value);
      await Promise.resolve();
      yield idBatch([1]);
    };
    const { executor, clock } = harness({
      jobs: [job],
      plays: { "select {token}": reads },
      ids: { next: () => "same", random: () => 0.5 },
    });
    await executor.start();
    const later = { runAt: new Date(clock.now() + 500) };
    const first = await executor.submitOrThrow("secretive", { token: "first-secret" }, later);
    expect((await executor.submit("secretive", { token: "second-secret" })).isErr()).toBe(true);
    await clock.advance(2_000);
    expect(await first.get()).toMatchObject({ status: "succeeded" });
    expect(seen).toEqual(["first-secret"]);
    await executor.stop();
  });
});

describe("an idempotency key of a run with secrets", () => {
  for (const secretKey of [undefined, randomBytes(32)]) {
    it(`is a conflict when the secret differs and can be known: ${secretKey ? "sealed" : "in this process"}`, async () => {
      const { executor, clock } = harness({ jobs: [job], ...(secretKey && { secretKey }) });
      await executor.start();
      const options = { idempotencyKey: "k", runAt: new Date(clock.now() + 1_000) };
      const first = await executor.submitOrThrow("secretive", { token: "first-one" }, options);
      const same = await executor.submitOrThrow("secretive", { token: "first-one" }, options);
      expect(same).toMatchObject({ id: first.id, created: false });
      const other = await executor.submit("secretive", { token: "another" }, options);
      expect(other.isErr() && other.error.code).toBe("idempotency_conflict");
      await executor.stop();
    });
  }
});

describe("the vault", () => {
  it("names a run only once it is stored, so that no sweep takes it for one that is gone", () => {
    const vault = new SecretVault(null, new ManualClock());
    const settle = vault.hold("run", new Map([["token", "secret"]]));
    expect([vault.heldIds(), vault.texts("run")]).toEqual([[], ["secret"]]);
    settle("stored");
    expect(vault.heldIds()).toEqual(["run"]);
    vault.hold("other", new Map([["token", "secret"]]))("dropped");
    expect(vault.texts("other")).toEqual([]);
  });

  it("holds nothing that the ledger has sealed", () => {
    const vault = new SecretVault({ seal: (text) => text, open: (text) => text }, new ManualClock());
    vault.hold("run", new Map([["token", "secret"]]));
    expect(vault.texts("run")).toEqual([]);
  });
});

describe("the redactor", () => {
  it("masks the longest form first and leaves short secrets alone", () => {
    const redactor = new Redactor(["abc", "abcdef", "x"]);
    expect(redactor.text("abcdef abc x")).toBe("*** *** x");
  });

  it("masks bytes and times as engines print them", () => {
    const bytes = Buffer.from("hünter'2").toString("base64");
    const redactor = new Redactor([bytes, "2024-03-05T06:07:08"]);
    const texts = ["hünter'2", "h\\xC3\\xBCnter\\x272", Buffer.from("hünter'2").toString("hex"), "2024-03-05 06:07:08"];
    expect(texts.map((text) => redactor.text(`a ${text} b`))).toEqual(texts.map(() => "a *** b"));
  });
});
