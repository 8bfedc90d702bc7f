import { readFileSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
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

const SEED = Number(process.env["MILLRACE_SEED"] ?? 20_250_920);

describe(`the engine gives back exactly what was kept (MILLRACE_SEED=${SEED})`, () => {
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

  /** What the engine makes of a list of these values, read by an expression over `v`. */
  async function readBack(itemType: string, given: readonly unknown[], expression: string): Promise<unknown[]> {
    const type = typeOf(`${itemType}[]`);
    const { value } = bindValue(given, declared(type))._unsafeUnwrap();
    const template = [{ text: `select ${expression} from (select unnest(` }, { parameter: "p" }, { text: ") as v)" }];
    const { sql, slots } = renderQuery(template, new Map([["p", type]]));
    const statement = await connection.prepare(sql);
    bindParameter(statement, slots.get("p") ?? "", type, value);
    return (await (await statement.run()).getRowsJS()).map(([item]) => item);
  }

  const sample = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { seed: SEED, numRuns: 1_000 });
  const moments = fc.date({
    min: new Date("0001-01-01"),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  });

  it("for random doubles, to the bit", async () => {
    const given = sample(fc.double());
    const found = await readBack("DOUBLE", given, "v");
    expect(found.every((item, i) => Object.is(item, given[i]))).toBe(true);
    const floats = sample(fc.float());
    const foundFloats = await readBack("FLOAT", floats, "v");
    expect(foundFloats.every((item, i) => Object.is(item, floats[i]))).toBe(true);
  });

  it("for random whole numbers", async () => {
    const given = sample(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }));
    expect(await readBack("HUGEINT", given, "v")).toEqual(given);
    const short = sample(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    expect(await readBack("BIGINT", short, "v")).toEqual(short);
    expect(await readBack("BIGNUM", given, "v::varchar")).toEqual(given.map(String));
  });

  it("for random decimals", async () => {
    const units = sample(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }));
    const given = units.map((unit) => String(unit).replace(/(\d{1,10})$/, (digits) => `.${digits.padStart(10, "0")}`));
    const text = given.map((one) => one.replace(/^(-?)\./, "$10."));
    expect(await readBack("DECIMAL(38,10)", text, "(v::varchar)")).toEqual(text);
  });

  it("for random strings and bytes", async () => {
    const given = sample(fc.string({ unit: "binary" }));
    expect(await readBack("VARCHAR", given, "v")).toEqual(given);
    const bytes = sample(fc.uint8Array());
    expect(await readBack("BLOB", bytes, "hex(v)")).toEqual(
      bytes.map((one) => Buffer.from(one).toString("hex").toUpperCase()),
    );
    const json = sample(fc.jsonValue().map((one) => [one]));
    expect(await readBack("JSON", json, "v::varchar")).toEqual(json.map((one) => JSON.stringify(one)));
  });

  it("for random moments", async () => {
    const given = sample(moments);
    const micros = given.map((one) => BigInt(one.getTime()) * 1_000n);
    expect(await readBack("TIMESTAMPTZ", given, "epoch_us(v)")).toEqual(micros);
    expect(await readBack("TIMESTAMP", given, "epoch_us(v)")).toEqual(micros);
    const days = given.map(
      (one) => new Date(one.getTime() - (((one.getTime() % 86_400_000) + 86_400_000) % 86_400_000)),
    );
    expect(await readBack("DATE", days, "epoch_us(v::timestamp)")).toEqual(
      days.map((one) => BigInt(one.getTime()) * 1_000n),
    );
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
