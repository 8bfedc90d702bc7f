import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { jobFromSpec } from "../../src/jobs/job-from-spec.js";
import { checkParameters } from "../../src/jobs/parameter-values.js";
import { SUBMIT_PARAMETER_CODES } from "./submit-parameter-codes.js";
import { schemaOf } from "./schema-of.js";

function jobOf(params: unknown, query: string) {
  return jobFromSpec({ name: "j", query, params, destination: { table: "lake.t" } });
}

async function values(params: unknown, query: string, given?: unknown) {
  const result = await checkParameters(jobOf(params, query), given as Record<string, unknown>);
  return Object.fromEntries([...result._unsafeUnwrap()].map(([name, { value }]) => [name, value]));
}

async function refusal(params: unknown, query: string, given?: unknown) {
  const result = await checkParameters(jobOf(params, query), given as Record<string, unknown>);
  const error = result._unsafeUnwrapErr();
  expect(SUBMIT_PARAMETER_CODES).toContain(error.code);
  expect(error).toMatchObject({ name: "JobError", jobName: "j", retryable: false });
  expect(error.hint).not.toBe("");
  return error as typeof error & { readonly parameters: readonly string[] };
}

const AB = { a: "INT", b: { type: "VARCHAR", default: "x" } };

describe("checkParameters", () => {
  it("gives a value, a type and secrecy for each parameter, in the query's order", async () => {
    const job = jobOf({ s: { type: "VARCHAR", secret: true }, a: "INT" }, "select {a}, {s}");
    const bound = (await checkParameters(job, { s: "hush", a: 1n }))._unsafeUnwrap();
    expect([...bound]).toEqual([
      ["a", { type: { kind: "integer", bits: 32, signed: true }, value: 1, secret: false }],
      ["s", { type: { kind: "text" }, value: "hush", secret: true }],
    ]);
  });

  it("fills in defaults, for undefined as well", async () => {
    expect(await values(AB, "{a}{b}", { a: 1 })).toEqual({ a: 1, b: "x" });
    expect(await values(AB, "{a}{b}", { a: 1, b: undefined })).toEqual({ a: 1, b: "x" });
    expect(await values(AB, "{a}{b}", { a: 1, b: null })).toEqual({ a: 1, b: null });
    expect(await values({ b: AB.b }, "{b}")).toEqual({ b: "x" });
  });

  it("takes no parameters where there are none", async () => {
    expect(await values(undefined, "select 1")).toEqual({});
    expect(await values({}, "select 1", {})).toEqual({});
  });

  it("lists all that is missing, undefined included", async () => {
    const error = await refusal({ a: "INT", b: "DATE" }, "{a}{b}", { a: undefined });
    expect(error).toMatchObject({ code: "missing_parameters", parameters: ["a", "b"] });
    expect(error.message).toBe('Job "j" needs a value for "a" (INTEGER), "b" (DATE).');
  });

  it("lists all that is unknown, with the nearest names", async () => {
    const error = await refusal({ min_delay: { type: "INT", default: 1 } }, "{min_delay}", { min_dleay: 1, other: 2 });
    expect(error).toMatchObject({ code: "unknown_parameters", parameters: ["min_dleay", "other"] });
    expect(error.hint).toContain('Did you mean "min_delay" for "min_dleay"?');
  });

  it("stays short whatever is given", async () => {
    const given = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`${i}${"x".repeat(100)}`, i]));
    const error = await refusal(undefined, "select 1", given);
    expect(error.parameters).toHaveLength(100_000);
    expect(error.message).toContain("and 99990 more");
    expect(error.message.length).toBeLessThan(1_000);
  });

  it("says so when the job has no parameters", async () => {
    expect((await refusal(undefined, "select 1", { a: 1 })).hint).toBe("It has none.");
  });

  it("lists all that is of no kind that a parameter takes", async () => {
    const error = await refusal(undefined, "{a}{b}{c}", { a: () => 1, b: Symbol("s"), c: 1 });
    expect(error).toMatchObject({ code: "unsupported_parameter", parameters: ["a", "b"] });
  });

  it("lists all that does not fit, each with its type", async () => {
    const error = await refusal({ a: "INT", b: "DATE[]", c: "INT" }, "{a}{b}{c}", {
      a: 1.5,
      b: ["2001-01-01", "x"],
      c: 1,
    });
    expect(error).toMatchObject({ code: "invalid_parameter", parameters: ["a", "b"] });
    expect(error.message).toBe(
      'Job "j" cannot take "a" (INTEGER): needs a whole number; "b" (DATE[]): at [1] needs a date as 2001-02-28.',
    );
  });

  it("checks in the order missing, unknown, unsupported, invalid", async () => {
    const given: Record<string, unknown> = { b: 1, c: () => 1, d: 1 };
    const params = { a: "INT", b: "VARCHAR", c: "INT" };
    expect((await refusal(params, "{a}{b}{c}", given)).code).toBe("missing_parameters");
    given["a"] = 1;
    expect((await refusal(params, "{a}{b}{c}", given)).code).toBe("unknown_parameters");
    delete given["d"];
    expect(await refusal(params, "{a}{b}{c}", given)).toMatchObject({
      code: "unsupported_parameter",
      parameters: ["c"],
    });
    given["c"] = 1;
    expect(await refusal(params, "{a}{b}{c}", given)).toMatchObject({ code: "invalid_parameter", parameters: ["b"] });
  });

  it.each([
    ["null", null],
    ["an array", [1]],
    ["a string", "a"],
    ["a Map", new Map()],
    ["a proxy", new Proxy({}, {})],
    ["a class's", new (class P {})()],
  ])("refuses %s record", async (_what, given) => {
    const params = { a: { type: "INT", default: 1 } };
    expect(await refusal(params, "{a}", given)).toMatchObject({ code: "unsupported_parameter", parameters: [] });
  });

  it("takes only own properties, whatever they are called", async () => {
    expect(await refusal(undefined, "{toString}{constructor}", {})).toMatchObject({
      code: "missing_parameters",
      parameters: ["toString", "constructor"],
    });
    const given = JSON.parse('{"__proto__": 1}');
    expect((await refusal({ a: { type: "INT", default: 1 } }, "{a}", given)).parameters).toEqual(["__proto__"]);
    const job = jobOf(undefined, "{__proto__}");
    expect((await checkParameters(job, given))._unsafeUnwrap().get("__proto__")?.value).toBe(1);
  });

  it("reads a value once, and before it returns", async () => {
    const list = [1, 2];
    const bytes = new Uint8Array([1]);
    const moment = new Date(0);
    const checked = checkParameters(jobOf(undefined, "{a}{b}{c}"), { a: list, b: bytes, c: moment });
    list.push(3);
    bytes[0] = 9;
    moment.setTime(5);
    const bound = (await checked)._unsafeUnwrap();
    expect([...bound.values()].map(({ value }) => value)).toEqual([[1, 2], "AQ==", "1970-01-01T00:00:00Z"]);
  });

  it("takes values of another realm", async () => {
    const given = runInNewContext(
      "({ a: new Date(0), b: [1], c: new Uint8Array([1]), d: { x: 1 }, e: new Map([[1, 2]]) })",
    );
    const params = { a: "DATE", b: "INT[]", c: "BLOB", d: "STRUCT(x INT)", e: "MAP(INT, INT)" };
    expect(await values(params, "{a}{b}{c}{d}{e}", given)).toEqual({
      a: "1970-01-01",
      b: [1],
      c: "AQ==",
      d: { x: 1 },
      e: [[1, 2]],
    });
  });
});

describe("values that no parameter takes", () => {
  let called = false;
  const trap = () => {
    called = true;
    return 1;
  };
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const cyclicMap = new Map<unknown, unknown>();
  cyclicMap.set("m", cyclicMap);
  const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  class Money {
    amount = 1;
    toJSON = trap;
    valueOf = trap;
    toString = trap;
  }

  it.each<[string, unknown]>([
    ["a function", trap],
    ["a class", Money],
    ["a symbol", Symbol.iterator],
    ["an instance", new Money()],
    ["a boxed number", Object(1)],
    ["a boxed string", Object("x")],
    ["an invalid Date", new Date(NaN)],
    ["a RegExp", /x/],
    ["an Error", new Error("x")],
    ["a Set", new Set([1])],
    ["a promise", Promise.resolve(1)],
    ["a Float64Array", new Float64Array(1)],
    ["an ArrayBuffer", new ArrayBuffer(1)],
    ["a WeakMap", new WeakMap()],
    ["an object with a prototype", Object.create({ a: 1 })],
    ["a hole", [1, , 2]],
    ["undefined in an array", [1, undefined]],
    ["undefined in an object", { a: undefined }],
    ["a getter", Object.defineProperty({}, "a", { get: trap, enumerable: true })],
    ["a getter in an array", Object.defineProperty([1], 0, { get: trap })],
    ["a symbol key", { [Symbol("s")]: 1 }],
    [
      "a proxy of an object",
      new Proxy({ a: 1 }, { get: trap, getOwnPropertyDescriptor: trap as never, ownKeys: trap as never }),
    ],
    ["a proxy of an array", new Proxy([1], { get: trap, has: trap as never })],
    ["an array that contains itself", cyclic],
    ["a Map that contains itself", cyclicMap],
    ["101 levels", deep(101)],
    ["100,000 levels", deep(100_000)],
    ["a function inside", { a: [{ b: trap }] }],
  ])("%s", async (_what, value) => {
    for (const type of ["JSON", "VARCHAR", "INT[]", "STRUCT(a INT)", "MAP(VARCHAR, INT)", undefined]) {
      const error = await refusal({ a: { type } }, "{a}", { a: value });
      expect(error).toMatchObject({ code: "unsupported_parameter", parameters: ["a"] });
    }
    expect(called).toBe(false);
  });

  it("but 100 levels, and one value in two places", async () => {
    expect(await values({ a: "JSON" }, "{a}", { a: deep(100) })).toEqual({ a: JSON.stringify(deep(100)) });
    const shared = [1];
    expect(await values({ a: "INT[][]" }, "{a}", { a: [shared, shared] })).toEqual({ a: [[1], [1]] });
  });

  it("asks a getter of the record nothing", async () => {
    const given = Object.defineProperty({}, "a", { get: trap, enumerable: true });
    expect((await refusal(undefined, "{a}", given)).code).toBe("unsupported_parameter");
    expect(called).toBe(false);
  });
});

describe("the schema of a parameter", () => {
  const upper = schemaOf((value) =>
    typeof value === "string" ? { value: value.toUpperCase() } : { issues: [{ message: "Expected text" }] },
  );

  it("checks and changes the value before its type does", async () => {
    expect(await values({ a: { type: "VARCHAR", schema: upper } }, "{a}", { a: "x" })).toEqual({ a: "X" });
    const days = schemaOf(async (value) => ({ value: new Date(Number(value) * 86_400_000) }));
    expect(await values({ a: { type: "DATE", schema: days } }, "{a}", { a: 1 })).toEqual({ a: "1970-01-02" });
  });

  it("may be given what no type takes", async () => {
    const size = schemaOf((value) => ({ value: (value as Set<unknown>).size }));
    expect(await values({ a: { type: "INT", schema: size } }, "{a}", { a: new Set([1]) })).toEqual({ a: 1 });
  });

  it("is given the default too", async () => {
    expect(await values({ a: { type: "VARCHAR", schema: upper, default: "x" } }, "{a}")).toEqual({ a: "X" });
  });

  it("does not make a parameter optional", async () => {
    expect((await refusal({ a: { schema: upper } }, "{a}")).code).toBe("missing_parameters");
  });

  it("names every issue and its path", async () => {
    const issues = [{ message: "Too short", path: ["b", { key: 0 }, "c"] }, { message: "Odd" }];
    const error = await refusal({ a: { schema: schemaOf(() => ({ issues })) } }, "{a}", { a: 1 });
    expect(error).toMatchObject({ code: "invalid_parameter", parameters: ["a"] });
    expect(error.message).toBe('Job "j" cannot take "a": at .b[0].c: Too short, Odd.');
  });

  it("gives what the type must still take", async () => {
    const error = await refusal({ a: { type: "INT", schema: upper } }, "{a}", { a: "x" });
    expect(error.message).toContain('"a" (INTEGER): needs a whole number, not a string');
  });

  it("may throw or reject, and is then told as the cause", async () => {
    const cause = new Error("broken schema");
    const reject = schemaOf(() => Promise.reject(cause));
    const throwing = schemaOf(() => {
      throw cause;
    });
    for (const schema of [reject, throwing]) {
      const error = await refusal({ a: { schema } }, "{a}", { a: 1 });
      expect(error).toMatchObject({ code: "invalid_parameter", cause });
    }
  });
});

describe("one schema for the whole record", () => {
  const range = schemaOf((value) => {
    const { from, to = 10 } = value as { from?: unknown; to?: unknown };
    if (from === undefined) return { issues: [{ message: "Required", path: ["from"] }] };
    if (typeof from !== "number") return { issues: [{ message: "Not a number", path: [{ key: "from" }] }] };
    if (from > Number(to)) return { issues: [{ message: "from is above to" }] };
    return { value: { from, to } };
  });

  it("gives the values, defaults included, and their types are inferred", async () => {
    const bound = (await checkParameters(jobOf(range, "{to}{from}"), { from: 1.5 }))._unsafeUnwrap();
    expect([...bound]).toEqual([
      ["to", { type: { kind: "integer", bits: 32, signed: true }, value: 10, secret: false }],
      ["from", { type: { kind: "float", bits: 64 }, value: 1.5, secret: false }],
    ]);
  });

  it("tells what is missing", async () => {
    expect(await refusal(range, "{to}{from}")).toMatchObject({ code: "missing_parameters", parameters: ["from"] });
  });

  it("tells what does not fit, with its path", async () => {
    const error = await refusal(range, "{to}{from}", { from: "x" });
    expect(error).toMatchObject({ code: "invalid_parameter", parameters: ["from"] });
    expect(error.message).toContain("at .from: Not a number");
    expect(await refusal(range, "{to}{from}", { from: 11 })).toMatchObject({
      code: "invalid_parameter",
      parameters: [],
    });
  });

  it("drops no unknown parameter in silence", async () => {
    const error = await refusal(range, "{to}{from}", { from: 1, two: 2 });
    expect(error).toMatchObject({ code: "unknown_parameters", parameters: ["two"] });
  });

  it("must yield each parameter of the query, and no other", async () => {
    expect(await refusal(range, "{from}{to}{by}", { from: 1 })).toMatchObject({
      code: "missing_parameters",
      parameters: ["by"],
    });
    expect(await refusal(range, "{from}", { from: 1 })).toMatchObject({
      code: "unknown_parameters",
      parameters: ["to"],
    });
  });

  it.each([[null], [[1]], ["x"], [new Map()]])("must yield a plain object, not %o", async (value) => {
    const error = await refusal(
      schemaOf(() => ({ value })),
      "{a}",
      { a: 1 },
    );
    expect(error.code).toBe("invalid_parameter");
  });

  it("must yield values that parameters take", async () => {
    const yielding = (value: unknown) => schemaOf(() => ({ value: { a: value } }));
    expect(
      (
        await refusal(
          yielding(() => 1),
          "{a}",
          { a: 1 },
        )
      ).code,
    ).toBe("unsupported_parameter");
    expect((await refusal(yielding("\ud800"), "{a}", { a: 1 })).code).toBe("invalid_parameter");
  });
});

describe("a secret", () => {
  const SECRET = "hunter2-correct-horse";
  const telling = schemaOf((value) => ({ issues: [{ message: `Got ${String(value)}`, path: [String(value)] }] }));
  const throwing = schemaOf((value) => {
    throw new Error(`broken by ${String(value)}`);
  });

  it.each<[string, Readonly<Record<string, unknown>>, unknown]>([
    ["of the wrong kind", { type: "INT" }, SECRET],
    ["of no kind", { type: "VARCHAR" }, { [SECRET]: () => SECRET }],
    ["with a getter", {}, Object.defineProperty({}, SECRET, { get: () => SECRET, enumerable: true })],
    ["of the wrong form", { type: "DATE" }, SECRET],
    ["of the wrong shape", { type: "STRUCT(a INT)" }, { [SECRET]: 1 }],
    ["deep inside", { type: "JSON" }, { [SECRET]: [1n] }],
    ["that is no enum value", { type: "ENUM('a')" }, SECRET],
    ["that is no JSON", { type: "JSON" }, SECRET],
    ["with half a surrogate pair", { type: "VARCHAR" }, `${SECRET}\ud800`],
    ["that its schema quotes", { schema: telling }, SECRET],
    ["that its schema throws", { schema: throwing }, SECRET],
    ["that its schema mistypes", { type: "INT", schema: schemaOf((value) => ({ value })) }, SECRET],
    ["beside the record", { type: "MAP(VARCHAR, INT)" }, { [SECRET]: 1 }],
  ])("%s is not told", async (_what, spec, value) => {
    const error = await refusal({ a: { ...spec, secret: true } }, "{a}", { a: value });
    const told = [error.message, error.hint, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
    expect(told).not.toContain("hunter2");
    expect(error.parameters).toEqual(["a"]);
  });

  it("has its default kept with it, and stays secret", async () => {
    const job = jobOf({ a: { type: "VARCHAR", default: SECRET, secret: true } }, "{a}");
    expect((await checkParameters(job, {}))._unsafeUnwrap().get("a")).toMatchObject({ value: SECRET, secret: true });
  });
});

describe("values of many megabytes", () => {
  it.each<[string, unknown]>([
    ["BLOB", "AAAA".repeat(5_000_000)],
    ["BLOB", `${"AAAA".repeat(5_000_000)}!`],
    ["VARCHAR", "ä".repeat(20_000_000)],
    ["JSON", `"${"\\u00e4".repeat(3_000_000)}"`],
    ["JSON", "[".repeat(5_000_000)],
    ["BIT", "01".repeat(10_000_000)],
    ["DECIMAL(5,2)", "1".repeat(20_000_000)],
    ["BIGINT", "1".repeat(20_000_000)],
    ["BIGNUM", "1".repeat(20_000_000)],
    ["DATE", "2001-01-01".repeat(2_000_000)],
    ["TIME", `12:00:00.${"1".repeat(20_000_000)}`],
    ["TIMESTAMPTZ", `2001-01-01T12:00:00${"+".repeat(20_000_000)}`],
    ["UUID", "a".repeat(20_000_000)],
    ["ENUM('a')", "a".repeat(20_000_000)],
    ["DOUBLE", "1".repeat(20_000_000)],
  ])("are taken or refused as %s, in time", async (type, value) => {
    const before = performance.now();
    const result = await checkParameters(jobOf({ a: type }, "{a}"), { a: value });
    if (result.isErr()) {
      expect(result.error.code).toBe("invalid_parameter");
      expect(result.error.message.length).toBeLessThan(300);
    }
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});
