import { describe, expect, it } from "vitest";
import { bindValue } from "../../src/jobs/bind-value.js";
import type { JsonSchema } from "../../src/jobs/data-type-schema.js";
import { dataTypeSchema } from "../../src/jobs/data-type-schema.js";
import { jobFromSpec } from "../../src/jobs/job-from-spec.js";
import { parseDataType } from "../../src/jobs/parse-data-type.js";
import { requestSchema } from "../../src/jobs/request-schema.js";
import { PARAMETER_CASES } from "./parameter-cases.js";
import { meets } from "./meets-json-schema.js";
import { schemaOf } from "./schema-of.js";

describe("requestSchema", () => {
  it("describes what a submit takes", () => {
    const job = jobFromSpec({
      name: "j",
      description: "what it is for",
      query: "select {a}, {b}, {s}, {u}, {v}",
      params: {
        a: { type: "DATE" },
        b: { type: "INT", default: 5n },
        s: { type: "VARCHAR", secret: true, default: "hush" },
        u: {},
        v: { schema: schemaOf((value) => ({ value })) },
      },
      destination: { table: "lake.t" },
    });
    const schema = requestSchema(job);
    expect(schema).toEqual({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "j",
      description: "what it is for",
      type: "object",
      properties: {
        a: { title: "DATE", anyOf: [{ type: "string", format: "date" }, { type: "null" }] },
        b: {
          title: "INTEGER",
          anyOf: [{ type: "integer", minimum: -2147483648, maximum: 2147483647 }, { type: "null" }],
          default: 5,
        },
        s: { title: "VARCHAR", anyOf: [{ type: "string" }, { type: "null" }], writeOnly: true },
        u: { type: ["string", "number", "boolean", "null", "array"] },
        v: {},
      },
      required: ["a", "u", "v"],
      additionalProperties: false,
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });

  it("asks nothing of a record that has a schema of its own", () => {
    const params = schemaOf((value) => ({ value }));
    const job = jobFromSpec({ name: "j", query: "{a}", params, destination: { table: "t" } });
    expect(requestSchema(job)).toMatchObject({ properties: { a: {} }, required: [], additionalProperties: false });
  });
});

describe.each(PARAMETER_CASES)("the schema of $type", ({ type: text, takes, refuses }) => {
  const type = parseDataType(text).type ?? { kind: "any" };
  const schema: JsonSchema = dataTypeSchema(type);

  it.each(takes.map(([, kept]) => [kept]))("takes the kept form %j", (kept) => {
    expect(meets(schema, kept)).toBe(true);
  });

  it("takes null", () => {
    expect(meets(schema, null)).toBe(true);
  });

  it("takes no JSON value of another kind than the type", () => {
    const kinds = [true, 5, "x", [], {}];
    for (const value of [...kinds, ...refuses.filter(isJson)]) {
      if (meets(schema, value)) continue;
      expect(bindValue(value, { name: "p", type, required: true, secret: false }).isErr()).toBe(true);
    }
  });
});

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value) && typeof value !== "object";
  } catch {
    return false;
  }
}
