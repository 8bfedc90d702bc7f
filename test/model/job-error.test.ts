import { describe, expect, it } from "vitest";
import { causeChain, isJobError, JobError } from "../../src/model/job-error.js";

const boom = (): never => {
  throw new Error("boom");
};
const hostile = new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom });

describe("the chain of causes", () => {
  it("holds what an AggregateError gathers, before its cause, each text once", () => {
    const refused = [new Error("connect ECONNREFUSED ::1"), new Error("connect ECONNREFUSED 127.0.0.1")];
    const gathered = new AggregateError(refused, "", { cause: new Error("deep", { cause: refused[0] }) });
    const outer = new Error("outer", { cause: gathered });
    expect(causeChain(outer)).toBe("outer: connect ECONNREFUSED ::1: connect ECONNREFUSED 127.0.0.1: deep");
  });

  it("comes to an end in a circle, and in a chain of a hundred thousand", () => {
    const circle = new Error("round");
    circle.cause = new AggregateError([circle], "and round", { cause: circle });
    expect(causeChain(circle)).toBe("round: and round");
    let deep = new Error("one");
    for (let n = 0; n < 100_000; n += 1) deep = new Error("one", { cause: deep });
    expect(causeChain(deep)).toBe("one");
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, ""],
    ["a text", "text", "text"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an object without a prototype", Object.create(null), "something that has no text was thrown"],
    ["a bare object with a message", { message: "from a worker" }, "from a worker"],
    ["a message that is a symbol", { message: Symbol("m") }, "Symbol(m)"],
    ["an error without a message", Object.assign(new Error("x"), { message: undefined }), "Error"],
    ["a proxy that throws at every look", hostile, "something that has no text was thrown"],
  ])("takes %s", (_, thrown, text) => {
    expect(causeChain(thrown)).toBe(text);
    expect(isJobError(thrown)).toBe(false);
  });
});

describe("a JobError as JSON", () => {
  it("has code, message, hint, retryable and the details that are present, and no more", () => {
    const error = new JobError("schema_mismatch", {
      message: "m",
      hint: "h",
      table: "a.t",
      columns: ["x"],
      cause: new Error("inner"),
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "schema_mismatch",
      message: "m",
      hint: "h",
      retryable: false,
      table: "a.t",
      columns: ["x"],
    });
  });
});
