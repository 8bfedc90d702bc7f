import { describe, expect, it } from "vitest";
import { defineJob } from "../../src/jobs/define-job.js";
import { runDefinition } from "../../src/jobs/job-definition.js";
import { jobFromSpec } from "../../src/jobs/job-from-spec.js";
import type { ExecutionSpec } from "../../src/jobs/read-execution.js";
import { isJobError, type JobError } from "../../src/model/job-error.js";
import { schemaOf } from "./schema-of.js";

const spec = { name: "j", query: "select 1", destination: { table: "lake.t" } };

function refusal(change: Readonly<Record<string, unknown>>): JobError {
  try {
    jobFromSpec({ ...spec, ...change });
  } catch (thrown) {
    if (isJobError(thrown, "invalid_definition")) return thrown;
    throw thrown;
  }
  throw new Error("the definition was taken");
}

describe("defineJob", () => {
  it("fills in every default", () => {
    expect(defineJob(spec)).toMatchObject({
      name: "j",
      query: "select 1",
      template: [{ text: "select 1" }],
      destination: { table: "lake.t", mode: { kind: "append" } },
      execution: {
        timeoutMs: 0,
        maxAttempts: 1,
        maxRecoveries: 3,
        backoff: { kind: "exponential", delayMs: 1_000, maxDelayMs: 300_000 },
        priority: 0,
      },
      parameters: [],
    });
    const destination = defineJob(spec).destination;
    expect("createIfMissing" in destination).toBe(false);
  });

  it("takes every part", () => {
    const job = defineJob({
      name: "j",
      description: "what it is for",
      version: "7",
      query: "select {b}, {a}, '{c}'",
      params: { a: "INT", b: { type: "VARCHAR", default: "x", secret: true } },
      destination: { table: "lake.t", mode: { kind: "upsert", keys: ["id"] }, createIfMissing: false },
      execution: {
        timeoutMs: 5,
        maxAttempts: 2,
        maxRecoveries: 0,
        backoff: { kind: "linear", delayMs: 0 },
        priority: -3,
      },
    });
    expect(job).toMatchObject({ description: "what it is for", version: "7" });
    expect(job.destination).toEqual({
      table: "lake.t",
      mode: { kind: "upsert", keys: ["id"], onDuplicate: "refuse" },
      createIfMissing: false,
    });
    expect(job.execution).toEqual({
      timeoutMs: 5,
      maxAttempts: 2,
      maxRecoveries: 0,
      backoff: { kind: "linear", delayMs: 0, maxDelayMs: 300_000, jitter: 0.5 },
      priority: -3,
      retryOn: "retryable",
      maxConcurrent: 0,
      concurrencyKey: null,
      maxConcurrentPerKey: 1,
    });
    expect(job.parameters).toEqual([
      { name: "b", type: { kind: "text" }, required: false, secret: true },
      { name: "a", type: { kind: "integer", bits: 32, signed: true }, required: true, secret: false },
    ]);
  });

  it("reads concurrency and the rule of retries", () => {
    const query = "select {customer}, {day}";
    const params = { customer: "VARCHAR", day: "DATE" };
    const execution = {
      maxConcurrent: 4,
      concurrencyKey: "sync {customer}/{day}",
      maxConcurrentPerKey: 2,
      retryOn: ["timed_out", "query_failed", "timed_out"],
      backoff: { jitter: 0 },
    } as const;
    expect(defineJob({ ...spec, query, params, execution }).execution).toMatchObject({
      ...execution,
      // Each once, in the order of the table, so that equal rules have equal hashes.
      retryOn: ["query_failed", "timed_out"],
      backoff: { kind: "exponential", jitter: 0 },
    });
    expect(defineJob({ ...spec, execution: { concurrencyKey: null } }).execution.concurrencyKey).toBeNull();
    expect(defineJob({ ...spec, execution: { concurrencyKey: "one at a time" } }).execution.concurrencyKey).toBe(
      "one at a time",
    );
  });

  it.each(["append", "overwrite"] as const)("takes the mode %s as text and as object", (kind) => {
    const mode = { kind };
    expect(defineJob({ ...spec, destination: { table: "t", mode: kind } }).destination.mode).toEqual(mode);
    expect(defineJob({ ...spec, destination: { table: "t", mode } }).destination.mode).toEqual(mode);
  });

  it("infers parameters that are not declared, and requires them", () => {
    expect(defineJob({ ...spec, query: "select {b}, {a}" }).parameters).toEqual([
      { name: "b", type: null, required: true, secret: false },
      { name: "a", type: null, required: true, secret: false },
    ]);
  });

  it("leaves it to a schema of the whole record what may be missing", () => {
    const params = schemaOf((value) => ({ value }));
    expect(defineJob({ ...spec, query: "select {a}", params }).parameters).toEqual([
      { name: "a", type: null, required: false, secret: false },
    ]);
  });

  it.each([
    [{ kind: "deleteInsert", keys: ["a", "b"] } as const, { kind: "deleteInsert", keys: ["a", "b"] }],
    [{ kind: "insertOnly", keys: ["a"] } as const, { kind: "insertOnly", keys: ["a"], onDuplicate: "refuse" }],
    [
      { kind: "insertOnly", keys: ["a"], onDuplicate: "keepFirst" } as const,
      { kind: "insertOnly", keys: ["a"], onDuplicate: "keepFirst" },
    ],
  ])("takes the mode %j", (mode, read) => {
    expect(defineJob({ ...spec, query: "select 1", destination: { table: "t", mode } }).destination.mode).toEqual(read);
  });

  it("copies and freezes", () => {
    const keys = ["id"];
    const backoff = { delayMs: 1 };
    const params = { a: { type: "INT", default: 1 } };
    const destination = { table: "t", mode: { kind: "upsert", keys } } as const;
    const job = defineJob({ ...spec, query: "select {a}", params, destination, execution: { backoff } });
    keys.push("more");
    backoff.delayMs = 2;
    params.a.type = "DATE";
    expect(job.destination.mode).toEqual({ kind: "upsert", keys: ["id"], onDuplicate: "refuse" });
    expect(job.execution.backoff.delayMs).toBe(1);
    expect(job.parameters[0]?.type).toEqual({ kind: "integer", bits: 32, signed: true });
    const parts = [job, job.template, job.template[0], job.destination, job.destination.mode, job.execution];
    for (const part of [...parts, job.execution.backoff, job.parameters, job.parameters[0], job.checks]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("does not freeze the host's schemas", () => {
    const schema = schemaOf((value) => ({ value }));
    defineJob({ ...spec, query: "select {a}", params: { a: { schema } } });
    defineJob({ ...spec, query: "select {a}", params: schema });
    expect(Object.isFrozen(schema)).toBe(false);
  });
});

describe("a definition that is not well formed", () => {
  it.each<[string, Readonly<Record<string, unknown>>, string, string]>([
    ["no name", { name: undefined }, "name", "must be a string"],
    ["an empty name", { name: " " }, "name", "empty"],
    ["a name with a line break", { name: "a\nb" }, "name", "control"],
    ["a name with half a surrogate pair", { name: "a\ud800" }, "name", "control"],
    ["a long name", { name: "n".repeat(201) }, "name", "200"],
    ["a padded name", { name: "a " }, "name", "space"],
    ["a description that is no text", { description: 5 }, "description", "must be a string, not a number"],
    ["a version that is no text", { version: 1.2 }, "version", "must be a string"],
    ["no query", { query: undefined }, "query", "missing"],
    ["a query that is no text", { query: 5 }, "query", "must be a string, not a number"],
    ["a null mode", { destination: { table: "t", mode: null } }, "destination.mode", "not null"],
    ["a null execution", { execution: null }, "execution", "not null"],
    ["a null backoff", { execution: { backoff: null } }, "execution.backoff", "not null"],
    ["a null destination", { destination: null }, "destination", "not null"],
    ["an empty query", { query: "  " }, "query", "empty"],
    ["a parameter of the engine", { query: "select $1" }, "query", '"$1"'],
    ["NUL in the query", { query: "select '\0'" }, "query", "NUL"],
    ["a misspelt part", { executoin: {} }, "executoin", 'Did you mean "execution"?'],
    ["no destination", { destination: undefined }, "destination", "not undefined"],
    ["a destination that is no object", { destination: "lake.t" }, "destination", "needs a plain object, not a string"],
    ["no table", { destination: {} }, "destination.table", "must be a string"],
    ["a table with NUL", { destination: { table: "a\0" } }, "destination.table", "control"],
    ["a misspelt mode", { destination: { table: "t", mode: "apend" } }, "destination.mode", 'Did you mean "append"?'],
    ["upsert as text", { destination: { table: "t", mode: "upsert" } }, "destination.mode", "keys"],
    ["a mode that is no object", { destination: { table: "t", mode: 1 } }, "destination.mode", "plain object"],
    ["a mode without kind", { destination: { table: "t", mode: {} } }, "destination.mode.kind", "missing"],
    ["an unknown kind", { destination: { table: "t", mode: { kind: "x" } } }, "destination.mode.kind", '"append" or'],
    [
      "upsert without keys",
      { destination: { table: "t", mode: { kind: "upsert" } } },
      "destination.mode.keys",
      "array",
    ],
    ["no keys", { destination: { table: "t", mode: { kind: "upsert", keys: [] } } }, "destination.mode.keys", "array"],
    [
      "keys as text",
      { destination: { table: "t", mode: { kind: "upsert", keys: "id" } } },
      "destination.mode.keys",
      "not a string",
    ],
    [
      "an empty key",
      { destination: { table: "t", mode: { kind: "upsert", keys: ["a", ""] } } },
      "destination.mode.keys[1]",
      "empty",
    ],
    [
      "a key twice",
      { destination: { table: "t", mode: { kind: "upsert", keys: ["a", "A"] } } },
      "destination.mode.keys",
      "twice",
    ],
    [
      "keys of an append",
      { destination: { table: "t", mode: { kind: "append", keys: ["a"] } } },
      "destination.mode.keys",
      "goes with upsert, deleteInsert and insertOnly only",
    ],
    [
      "a wrong answer to duplicates",
      { destination: { table: "t", mode: { kind: "upsert", keys: ["a"], onDuplicate: "first" } } },
      "destination.mode.onDuplicate",
      '"refuse" or "keepLast"',
    ],
    [
      "an answer to duplicates of another mode",
      { destination: { table: "t", mode: { kind: "insertOnly", keys: ["a"], onDuplicate: "keepLast" } } },
      "destination.mode.onDuplicate",
      '"refuse" or "keepFirst"',
    ],
    [
      "an answer to duplicates that are welcome",
      { destination: { table: "t", mode: { kind: "deleteInsert", keys: ["a"], onDuplicate: "refuse" } } },
      "destination.mode.onDuplicate",
      "goes with upsert and insertOnly only",
    ],
    [
      "an answer to duplicates of an overwrite",
      { destination: { table: "t", mode: { kind: "overwrite", onDuplicate: "refuse" } } },
      "destination.mode.onDuplicate",
      "goes with upsert and insertOnly only",
    ],
    [
      "insertOnly without keys",
      { destination: { table: "t", mode: { kind: "insertOnly" } } },
      "destination.mode.keys",
      "array",
    ],
    [
      "deleteInsert with an empty key",
      { destination: { table: "t", mode: { kind: "deleteInsert", keys: [""] } } },
      "destination.mode.keys[0]",
      "empty",
    ],
    [
      "insertOnly as text",
      { destination: { table: "t", mode: "insertOnly" } },
      "destination.mode",
      'needs its keys: { kind: "insertOnly", keys: ["id"] }',
    ],
    [
      "deleteInsert in another spelling",
      { destination: { table: "t", mode: { kind: "delete_insert", keys: ["a"] } } },
      "destination.mode.kind",
      'Did you mean "deleteInsert"?',
    ],
    [
      "a misspelt insertOnly",
      { destination: { table: "t", mode: "insertonly" } },
      "destination.mode",
      'Did you mean "insertOnly"?',
    ],
    [
      "createIfMissing as text",
      { destination: { table: "t", createIfMissing: "yes" } },
      "destination.createIfMissing",
      "true or false",
    ],
    ["an execution that is no object", { execution: 5 }, "execution", "plain object"],
    ["a negative time-out", { execution: { timeoutMs: -1 } }, "execution.timeoutMs", "from 0"],
    ["half a millisecond", { execution: { timeoutMs: 0.5 } }, "execution.timeoutMs", "whole number"],
    ["a time-out that no timer waits for", { execution: { timeoutMs: 2 ** 31 } }, "execution.timeoutMs", "2147483647"],
    ["a time-out as text", { execution: { timeoutMs: "5" } }, "execution.timeoutMs", "whole number"],
    ["no attempt", { execution: { maxAttempts: 0 } }, "execution.maxAttempts", "from 1"],
    ["NaN recoveries", { execution: { maxRecoveries: NaN } }, "execution.maxRecoveries", "from 0"],
    ["a misspelt limit", { execution: { timeoutMS: 5 } }, "execution.timeoutMS", 'Did you mean "timeoutMs"?'],
    ["a priority that is no number", { execution: { priority: "high" } }, "execution.priority", "whole number"],
    ["an unknown backoff", { execution: { backoff: { kind: "random" } } }, "execution.backoff.kind", '"constant"'],
    ["jitter above one", { execution: { backoff: { jitter: 1.5 } } }, "execution.backoff.jitter", "from 0 to 1"],
    ["jitter NaN", { execution: { backoff: { jitter: NaN } } }, "execution.backoff.jitter", "from 0 to 1"],
    ["a rule of retries that is none", { execution: { retryOn: "always" } }, "execution.retryOn", '"retryable" or'],
    ["no code to retry on", { execution: { retryOn: [] } }, "execution.retryOn", "not empty"],
    ["a misspelt code", { execution: { retryOn: ["timed_ot"] } }, "execution.retryOn[0]", 'Did you mean "timed_out"?'],
    [
      "a code that no run has",
      { execution: { retryOn: ["timed_out", "unknown_job"] } },
      "execution.retryOn[1]",
      "no code of a run",
    ],
    ["a code that is no text", { execution: { retryOn: [5] } }, "execution.retryOn[0]", "a number"],
    [
      "a code that ends every run",
      { execution: { retryOn: ["too_many_recoveries"] } },
      "execution.retryOn[0]",
      "no attempt can follow",
    ],
    ["half a run at once", { execution: { maxConcurrent: 0.5 } }, "execution.maxConcurrent", "from 0"],
    ["no run per key", { execution: { maxConcurrentPerKey: 0 } }, "execution.maxConcurrentPerKey", "from 1"],
    ["an empty key", { execution: { concurrencyKey: "" } }, "execution.concurrencyKey", "not empty"],
    ["a key that is no text", { execution: { concurrencyKey: 5 } }, "execution.concurrencyKey", "must be a string"],
    ["an endless key", { execution: { concurrencyKey: "x".repeat(401) } }, "execution.concurrencyKey", "400"],
    ["an open brace in the key", { execution: { concurrencyKey: "{ a }" } }, "execution.concurrencyKey", "brace"],
    [
      "a key of another query's parameter",
      { query: "select {customer}", params: { customer: "INT" }, execution: { concurrencyKey: "{custommer}" } },
      "execution.concurrencyKey",
      'Did you mean "customer"?',
    ],
    [
      "a key of a secret",
      {
        query: "select {token}",
        params: { token: { type: "VARCHAR", secret: true } },
        execution: { concurrencyKey: "{token}" },
      },
      "execution.concurrencyKey",
      "secret",
    ],
    [
      "a delay that would be cut",
      { execution: { backoff: { delayMs: 10, maxDelayMs: 5 } } },
      "execution.backoff.delayMs",
      "maxDelayMs (5)",
    ],
    [
      "a delay that the default would cut",
      { execution: { backoff: { delayMs: 300_001 } } },
      "execution.backoff.delayMs",
      "give both",
    ],
  ])("is refused for %s", (_what, change, field, message) => {
    const error = refusal(change);
    expect(error.field).toBe(field);
    expect(error.message).toContain(message);
    expect(error.hint).not.toBe("");
  });

  const withParams = (params: unknown, query = "select {min}") => refusal({ query, params });

  it.each<[string, unknown, string, string]>([
    ["an unknown type", { min: "DUOBLE" }, "params.min.type", 'Did you mean "DOUBLE"?'],
    ["a type that is no text", { min: { type: 5 } }, "params.min.type", "must be a string"],
    ["a specification that is neither", { min: 5 }, "params.min", "must be a type or"],
    ["a null specification", { min: null }, "params.min", "must be a type or"],
    ["a misspelt part", { min: { type: "INT", defualt: 1 } }, "params.min.defualt", 'Did you mean "default"?'],
    ["secret as text", { min: { secret: "yes" } }, "params.min.secret", "true or false"],
    ["a schema that is none", { min: { schema: {} } }, "params.min.schema", "Standard Schema"],
    ["a bare schema for one parameter", { min: schemaOf((value) => ({ value })) }, "params.min", "write { schema }"],
    ["a default that does not fit", { min: { type: "INT", default: 1.5 } }, "params.min.default", "whole number"],
    ["a default that is no value", { min: { default: () => 1 } }, "params.min.default", "function"],
    ["a parameter that the query never mentions", { min: "INT", mim: "INT" }, "params.mim", 'Did you mean "min"?'],
    ["a parameter that is not declared", { mim: "INT" }, "params.mim", "never mentioned"],
    ["a name that no placeholder can have", { min: "INT", "a-b": "INT" }, "params.a-b", "no name of a parameter"],
    ["params that are no object", "INT", "params", "plain object"],
    ["params as an array", ["INT"], "params", "plain object"],
    [
      "a getter",
      {
        get min() {
          return "INT";
        },
      },
      "params.min",
      "getter",
    ],
  ])("is refused for %s", (_what, params, field, message) => {
    const error = withParams(params);
    expect(error.field).toBe(field);
    expect(error.message).toContain(message);
  });

  it("is refused for a placeholder that is not declared", () => {
    const error = withParams({}, "select {min}, {max}");
    expect(error.field).toBe("params.min");
    expect(error.message).toContain("params.max is mentioned in the query and not declared");
  });

  it("does not count a name in a literal as mentioned", () => {
    expect(withParams({ min: "INT" }, "select '{min}'").message).toContain("never mentioned");
  });

  it("is told all its mistakes at once", () => {
    const { message, field, jobName } = refusal({
      query: "select {a}, $1",
      params: { a: "INTT", b: "INT" },
      destination: { tabel: "t" },
      execution: { timeoutMs: -1, backoff: { kind: "x" } },
    });
    for (const part of [
      "$1",
      "params.a.type",
      "params.b",
      "destination.tabel",
      "destination.table",
      "execution.timeoutMs",
    ]) {
      expect(message).toContain(part);
    }
    expect(message).toContain("execution.backoff.kind");
    expect(field).toBe("query");
    expect(jobName).toBe("j");
  });

  it("never shows a secret default", () => {
    const params = { min: { type: "INT", default: "hunter2-hunter2", secret: true } };
    expect(JSON.stringify(withParams(params)) + withParams(params).message).not.toContain("hunter2");
  });

  it.each([undefined, null, 5, "x", [], new Map(), new (class Spec {})()])("is refused when it is %o", (whole) => {
    expect(() => jobFromSpec(whole)).toThrow(expect.objectContaining({ code: "invalid_definition" }));
  });
});

describe("a job with state", () => {
  const query = "select id, at from t where id > {last.id} and at > {last.since}";
  const state = {
    since: { type: "timestamptz", column: "at", take: "min", initial: new Date(0) },
    id: { type: "BIGINT", initial: 9_007_199_254_740_993n },
  } as const;
  const job = defineJob({ ...spec, query, state });

  it("keeps what it remembers apart from its parameters, in the order of the query", () => {
    expect(job.parameters).toEqual([]);
    expect(job.state).toEqual([
      {
        name: "id",
        type: { kind: "integer", bits: 64, signed: true },
        column: "id",
        take: "max",
        initial: "9007199254740993",
      },
      {
        name: "since",
        type: { kind: "timestamp", unit: "us", zoned: true },
        column: "at",
        take: "min",
        initial: "1970-01-01T00:00:00Z",
      },
    ]);
    expect(runDefinition(job).state).toEqual(job.state);
    expect("state" in defineJob(spec)).toBe(false);
    expect("state" in runDefinition(defineJob(spec))).toBe(false);
  });

  it("begins at a text like any other, whatever it would mean as a number", () => {
    const id = { type: "VARCHAR", initial: "NaN" } as const;
    expect(defineJob({ ...spec, query: "select {last.id}", state: { id } }).state).toMatchObject([{ initial: "NaN" }]);
  });

  it("takes turns, and tries again when it was overtaken, unless it says otherwise", () => {
    const execution = (given: ExecutionSpec) => defineJob({ ...spec, query, state, execution: given }).execution;
    expect(execution({})).toMatchObject({ maxConcurrent: 1, maxAttempts: 5, retryOn: ["state_conflict"] });
    expect(execution({ maxConcurrent: 0 }).maxConcurrent).toBe(0);
    expect(execution({ maxAttempts: 1 })).toMatchObject({ maxAttempts: 1, retryOn: "retryable" });
    expect(execution({ retryOn: ["timed_out"] })).toMatchObject({ maxAttempts: 1, retryOn: ["timed_out"] });
  });

  it("has a hash that every part of the state changes", () => {
    const one = { type: "BIGINT", column: "id", take: "max", initial: 0 };
    const hash = (id: object) => jobFromSpec({ ...spec, query: "select {last.id}", state: { id } }).hash;
    const others = [{ type: "INTEGER" }, { column: "ID" }, { take: "min" }, { initial: 1 }];
    expect(new Set([one, ...others.map((change) => ({ ...one, ...change }))].map(hash)).size).toBe(5);
    expect(hash({ type: "int8", initial: 0 })).toBe(hash(one));
  });

  const one = { type: "BIGINT", initial: 0 };
  it.each<[string, Readonly<Record<string, unknown>>, string, string]>([
    ["that is not declared", { state: undefined }, "state.id", "mentioned in the query and not declared"],
    ["that is not mentioned", { state: { id: one, idd: one } }, "state.idd", 'Did you mean "id"?'],
    ["without any name", { query: "select 1", state: {} }, "state", "empty"],
    ["that is no object", { state: 5 }, "state", "plain object"],
    ["whose name is none", { state: { "a.b": one, id: one } }, "state.a.b", "no name of a state"],
    ["that is a type alone", { state: { id: "BIGINT" } }, "state.id", "plain object"],
    ["without a type", { state: { id: { initial: 0 } } }, "state.id.type", "is missing"],
    ["of no type", { state: { id: { ...one, type: "BIGINTT" } } }, "state.id.type", "is not a type"],
    ["of a type without an order", { state: { id: { ...one, type: "BIGINT[]" } } }, "state.id.type", "BIGINT[]"],
    ["without an initial value", { state: { id: { type: "INT" } } }, "state.id.initial", "is missing"],
    ["with an initial null", { state: { id: { ...one, initial: null } } }, "state.id.initial", "compared"],
    ["with an initial NaN", { state: { id: { type: "DOUBLE", initial: NaN } } }, "state.id.initial", "compared"],
    ["with a wrong initial value", { state: { id: { ...one, initial: 1.5 } } }, "state.id.initial", "whole"],
    ["that takes what there is not", { state: { id: { ...one, take: "sum" } } }, "state.id.take", '"max" or "min"'],
    ["with a misspelt part", { state: { id: { ...one, colunm: "x" } } }, "state.id.colunm", '"column"'],
    ["of an overwrite", { destination: { table: "lake.t", mode: "overwrite" } }, "state", "overwrite"],
  ])("is refused for a state %s", (_what, change, field, message) => {
    const error = refusal({ query: "select {last.id}", state: { id: one }, ...change });
    expect(error.field).toBe(field);
    expect(error.message).toContain(message);
  });

  it("may have a parameter named last", () => {
    const both = jobFromSpec({ ...spec, query: "select {last}, {last.last}", state: { last: one } });
    expect([both.parameters, both.state].map((all) => all?.map(({ name }) => name))).toEqual([["last"], ["last"]]);
  });
});

describe("the parameter __proto__", () => {
  it("is a parameter like any other", () => {
    const params = JSON.parse('{"__proto__": "INT"}');
    const job = jobFromSpec({ ...spec, query: "select {__proto__}", params });
    expect(job.parameters.map(({ name }) => name)).toEqual(["__proto__"]);
  });
});

describe("the hash", () => {
  const base = { ...spec, query: "select {a}", params: { a: "INT" } };
  const hash = (change: Readonly<Record<string, unknown>> = {}) => jobFromSpec({ ...base, ...change }).hash;

  it("is the same for the same definition", () => {
    expect(hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(hash()).toBe(hash());
    expect(hash({ params: { a: "int4" }, name: "k", description: "d", version: "2" })).toBe(hash());
    expect(hash({ destination: { mode: { kind: "append" }, table: "lake.t" }, execution: { timeoutMs: 0 } })).toBe(
      hash(),
    );
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["query", { query: "select {a} " }],
    ["type", { params: { a: "BIGINT" } }],
    ["secret", { params: { a: { type: "INT", secret: true } } }],
    ["required", { params: { a: { type: "INT", default: 1 } } }],
    ["table", { destination: { table: "lake.u" } }],
    ["mode", { destination: { table: "lake.t", mode: "overwrite" } }],
    ["createIfMissing", { destination: { table: "lake.t", createIfMissing: true } }],
    ["execution", { execution: { backoff: { delayMs: 1 } } }],
    ["rule of retries", { execution: { retryOn: ["timed_out"] } }],
    ["concurrency key", { execution: { concurrencyKey: "{a}" } }],
  ])("changes with the %s", (_what, change) => {
    expect(hash(change)).not.toBe(hash());
  });
});

describe("runDefinition", () => {
  it("is plain data, and holds the types that were inferred from the values", () => {
    const job = defineJob({ ...spec, query: "select {a}, {b}, {c}" });
    const integer = { kind: "integer", bits: 32, signed: true } as const;
    const values = new Map([
      ["a", { type: integer, value: 1, secret: false }],
      ["b", { type: null, value: "x", secret: false }],
    ]);
    const run = runDefinition(job, values);
    expect(run.parameters.map(({ type }) => type)).toEqual([integer, null, null]);
    expect(JSON.parse(JSON.stringify(run))).toEqual(run);
    expect(runDefinition(job).parameters).toEqual(job.parameters);
    expect(Object.keys(run).sort()).toEqual(["destination", "execution", "parameters", "query"]);
  });
});
