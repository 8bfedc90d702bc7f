import { readFileSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bindParameter } from "../../src/adapters/duckdb/bind-parameters.js";
import { renderQuery } from "../../src/adapters/duckdb/render-query.js";
import { bindValue } from "../../src/jobs/bind-value.js";
import { parseDataType } from "../../src/jobs/parse-data-type.js";
import { formatDataType, type DataType } from "../../src/model/data-type.js";
import { PARAMETER_CASES } from "./parameter-cases.js";

function typeOf(text: string): DataType {
  const { type, problem } = parseDataType(text);
  if (type === undefined) throw new Error(problem);
  return type;
}

const declared = (type: DataType | null) => ({ name: "p", type, required: true, secret: false });

describe.each(PARAMETER_CASES)("a parameter of type $type", ({ type: text, takes, refuses }) => {
  const declaration = declared(typeOf(text));

  it.each(takes)("takes %o and keeps %j", (given, kept) => {
    expect(bindValue(given, declaration)._unsafeUnwrap()).toEqual({
      type: declaration.type,
      value: kept,
      secret: false,
    });
  });

  it.each(takes)("takes the kept form of %o as well", (_given, kept) => {
    const throughJson: unknown = JSON.parse(JSON.stringify(kept));
    expect(bindValue(throughJson, declaration)._unsafeUnwrap().value).toEqual(kept);
  });

  it("takes null", () => {
    expect(bindValue(null, declaration)._unsafeUnwrap().value).toBeNull();
  });

  it.each(refuses.map((value) => [value]))("refuses %o, and quotes no text of it", (value) => {
    const { code, reason } = bindValue(value, declaration)._unsafeUnwrapErr();
    expect(["invalid_parameter", "unsupported_parameter"]).toContain(code);
    if (typeof value === "string" && value.length > 12) expect(reason).not.toContain(value);
  });
});

describe("the engine gives back exactly what was kept", () => {
  let connection: DuckDBConnection;
  let instance: DuckDBInstance;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(":memory:");
    connection = await instance.connect();
    await connection.run("set timezone = 'Asia/Kathmandu'");
  });
  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });

  async function row(type: DataType, value: unknown, sql: string): Promise<Record<string, unknown>> {
    const bound = bindValue(value, declared(type))._unsafeUnwrap();
    const template = [{ text: "select " }, { parameter: "p" }, { text: ` as given, (${sql}) as meant` }];
    const { sql: rendered, slots } = renderQuery(template, new Map([["p", type]]));
    const statement = await connection.prepare(
      `select typeof(given) as type, given is not distinct from meant as same,
        given::varchar is not distinct from meant::varchar as same_text from (${rendered})`,
    );
    bindParameter(statement, slots.get("p") ?? "", type, bound.value);
    const rows = await (await statement.run()).getRowObjectsJS();
    return rows[0] ?? {};
  }

  it.each(PARAMETER_CASES.flatMap(({ type, takes }) => takes.map(([given, , sql]) => [type, sql, given] as const)))(
    "%s %s",
    async (text, sql, given) => {
      const type = typeOf(text);
      const found = await row(type, given, sql);
      expect(found).toEqual({ type: found["type"], same: true, same_text: true });
      expect(typeOf(String(found["type"]))).toEqual(type);
    },
  );

  it.each(PARAMETER_CASES)("a null keeps the type $type", async ({ type: text }) => {
    const type = typeOf(text);
    const found = await row(type, null, "NULL");
    expect(found["same"]).toBe(true);
    expect(typeOf(String(found["type"]))).toEqual(type);
  });

  it("keeps the sign of a zero", async () => {
    const type = typeOf("DOUBLE");
    expect(bindValue(-0, declared(type))._unsafeUnwrap().value).toBe("-0");
    expect((await row(type, -0, "'-0'::DOUBLE"))["same_text"]).toBe(true);
  });
});

describe("docs/parameters.md", () => {
  const lines = readFileSync(new URL("../../docs/parameters.md", import.meta.url), "utf8").split("\n");
  const cells = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const code = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, inside = ""]) => inside);
  const start = lines.findIndex((line) => line.startsWith("| Type "));
  const table = lines
    .slice(
      start + 2,
      lines.findIndex((line, i) => i > start && !line.startsWith("|")),
    )
    .map(cells);
  // What stands for any type in the table.
  const CONCRETE: Readonly<Record<string, string>> = {
    "DECIMAL(p,s)": "DECIMAL(5,2)",
    "ENUM(…)": "ENUM('a','it''s','')",
    "T[]": "INTEGER[]",
    "T[n]": "FLOAT[3]",
    "STRUCT(…)": "STRUCT(a INTEGER, b VARCHAR[])",
    "MAP(K, V)": "MAP(VARCHAR, DOUBLE)",
    "UNION(…)": "UNION(a INTEGER)",
  };

  it("names every kind of type that a parameter can have", () => {
    const kinds = new Set(
      table.flatMap(([names = ""]) => code(names)).map((name) => typeOf(CONCRETE[name] ?? name).kind),
    );
    expect(kinds).toEqual(new Set(PARAMETER_CASES.map(({ type }) => typeOf(type).kind)));
    const documented = table.flatMap(([names = ""]) => code(names)).map((name) => CONCRETE[name] ?? name);
    for (const { type } of PARAMETER_CASES) {
      const plain = formatDataType(typeOf(type));
      if (/^[A-Z_ ]+$/.test(plain)) expect(documented).toContain(plain);
    }
  });

  it.each(table.map((cell) => [cell[0] ?? "", cell[3] ?? ""]))("shows a kept form of %s: %s", (names, example) => {
    const [kept = ""] = code(example);
    for (const name of code(names)) {
      const value: unknown = JSON.parse(kept);
      // One example serves all types of a line; not every one holds it in the same digits.
      const bound = bindValue(value, declared(typeOf(CONCRETE[name] ?? name)));
      if (bound.isOk()) expect(bound.value.value).toEqual(value);
      else expect(code(names).length).toBeGreaterThan(1);
    }
  });

  it("tells the truth about inferred types", () => {
    const inferred = (value: unknown) => {
      const { type } = bindValue(value, declared(null))._unsafeUnwrap();
      return type && formatDataType(type);
    };
    expect(inferred(null)).toBeNull();
    expect(inferred("x")).toBeNull();
    expect(inferred(true)).toBe("BOOLEAN");
    expect(inferred(2147483647)).toBe("INTEGER");
    expect(inferred(2147483648)).toBe("BIGINT");
    expect(inferred(-2147483649)).toBe("BIGINT");
    expect(inferred(1.5)).toBe("DOUBLE");
    expect(inferred(2 ** 53)).toBe("DOUBLE");
    expect(inferred(-0)).toBe("DOUBLE");
    expect(inferred(NaN)).toBe("DOUBLE");
    expect(inferred(1n)).toBe("BIGINT");
    expect(inferred(2n ** 63n)).toBe("HUGEINT");
    expect(inferred(new Date(0))).toBe("TIMESTAMP WITH TIME ZONE");
    expect(inferred(new Uint8Array())).toBe("BLOB");
    expect(inferred([null, 1])).toBe("INTEGER[]");
    expect(inferred([1, 2 ** 40])).toBe("BIGINT[]");
    expect(inferred([1, 1.5])).toBe("DOUBLE[]");
    expect(inferred([1n, 2n ** 100n])).toBe("HUGEINT[]");
    expect(inferred(["a", null])).toBe("VARCHAR[]");
    expect(inferred([[1], [2 ** 40]])).toBe("BIGINT[][]");
  });

  it.each([
    [[]],
    [[null]],
    [[[], [1]]],
    [["a", 1]],
    [[1, true]],
    [[[1], 2]],
    [[{ a: 1 }]],
    [{ a: 1 }],
    [new Map()],
    [2n ** 127n],
    [[new Date(0), "2001-01-01"]],
  ])("infers no type for %o", (value) => {
    expect(bindValue(value, declared(null))._unsafeUnwrapErr().code).toBe("unsupported_parameter");
  });

  it("refuses a list whose numbers no one type holds exactly", () => {
    expect(bindValue([1.5, 2n ** 53n + 1n], declared(null))._unsafeUnwrapErr().code).toBe("invalid_parameter");
  });
});
