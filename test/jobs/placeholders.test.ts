import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parameterNames, parseTemplate, scanQuery, stateNames } from "../../src/jobs/placeholders.js";
import type { QueryTemplate } from "../../src/model/job-definition.js";

// What fails prints its seed.
const SEED = Number(process.env["MILLRACE_SEED"] ?? 20_250_917);

const join = (template: QueryTemplate) =>
  template.map((segment) => ("text" in segment ? segment.text : `{${segment.parameter}}`)).join("");

/** Text as it stands in code, without a parameter in it, and what DuckDB makes of it. */
const OPAQUE: readonly (readonly [sql: string, value: string])[] = [
  ["'{p}'", "{p}"],
  ["'it''s {p}'", "it's {p}"],
  ["'\\' || '{p}'", "\\{p}"],
  ["'-- {p} /* '", "-- {p} /* "],
  ["E'\\'{p}\\\\'", "'{p}\\"],
  ["e'a''{p}'", "a'{p}"],
  ["E'a' -- {p} '\n 'b\\'{p}'", "ab'{p}"],
  ["E'a'\n--x\n\t'\\'{p}'", "a'{p}"],
  ["'a'\n'{p}'", "a{p}"],
  ["$${p}'$$", "{p}'"],
  ["$t${p} $$ $u$ $T$ ' $t$", "{p} $$ $u$ $T$ ' "],
  ["$ä_1$ {p} $ä$ $ä_1$", " {p} $ä$ "],
  ["/* {p} ' /* {p} */ {p} ' */ 'c'", "c"],
  ["/*/*/* {p} */*/ */'c'", "c"],
  ["-- {p} '\n'd'", "d"],
  ["-- {p}\r'd'", "d"],
  ['(select "{p}" from (select \'e\' as "{p}"))', "e"],
  ['(select "a""{p}" from (select \'f\' as "a""{p}"))', "f"],
  ["(select _e'{p}\\' from (select 'g') t(_e))".replace("_e'{p}\\'", "_e || '{p}\\'"), "g{p}\\"],
  ["(select a$1 || '{p}' from (select 'h' as a$1))", "h{p}"],
  ['json_extract_string(\'{"x": {"{p}": "j"}}\', \'$.x."{p}"\')', "j"],
  ["({'a': 'k', b: {c: '{p}'}}).b.c", "{p}"],
  ["map {'{p}': 'l'}['{p}']", "l"],
  ["concat(n'{p}', x'41')", "{p}x41"],
  ["(6 //* {p} */ 4)::varchar", "1.5"],
  ["(1 +-- {p}\n 2)::varchar", "3"],
  ["'m'\u00a0", "m"],
];

/** Text in which the parameter is code. `{p}` has the value 'P'. */
const CODE: readonly (readonly [sql: string, value: string])[] = [
  ["{p}", "P"],
  ["-- x\r{p}", "P"],
  ["''||{p}||''", "P"],
  ["({'a': {p}}).a", "P"],
  ["({a:{p}}).a", "P"],
  ["map {{p}: {p}}[{p}]", "P"],
  ["[{p}][1]", "P"],
  ["/**/{p}--{p}\n", "P"],
  ["$${p}$$||{p}", "{p}P"],
  ["E'\\''||{p}||'\\'", "'P\\"],
  ["(select e||{p} from (select 'x') t(e))", "xP"],
  ["case when 1 - -1 = 2 then {p} end", "P"],
  ["(select a$b||{p} from (select 'y' as a$b))", "yP"],
  ["(select x\u00a0||{p} from (select 'z' as x\u00a0))", "zP"],
];

describe("parseTemplate", () => {
  it.each(OPAQUE)("finds no parameter in %s", (sql) => {
    expect(parseTemplate(sql)).toEqual([{ text: sql }]);
  });

  it.each(CODE)("finds the parameter in %s", (sql) => {
    const template = parseTemplate(sql);
    expect(parameterNames(template)).toEqual(["p"]);
    expect(join(template)).toBe(sql);
  });

  it("gives names in order of first mention, each once", () => {
    expect(parameterNames(parseTemplate("{b}{a}{b}{_A9}"))).toEqual(["b", "a", "_A9"]);
  });

  it("tells states from parameters, in order of first mention", () => {
    const sql = "{last.b} {last} {last.a}{last.b} '{last.c}' {b}";
    const template = parseTemplate(sql);
    expect(stateNames(template)).toEqual(["b", "a"]);
    expect(parameterNames(template)).toEqual(["last", "b"]);
    expect(join(template)).toBe(sql);
  });

  it.each([
    "{last.}",
    "{last.1}",
    "{Last.a}",
    "{lasts.a}",
    "{last.a.b}",
    "{a.last}",
    "{last .a}",
    "{}",
    "{1}",
    "{a-b}",
    "{'a': 1}",
    "{a: 1}",
    "{a b}",
    "{ä}",
    "{",
    "{a",
    "a}",
    "{{",
    "}{",
  ])("leaves %s as text", (sql) => {
    expect(scanQuery(sql)).toEqual({ template: [{ text: sql }], problems: [] });
  });

  it.each(["'{p}", '"{p}', "$$ {p}", "$x$ {p} $y$", "/* {p}", "/* /* {p} */", "E'{p}\\'", "-- {p}", "E'a'\n'{p}"])(
    "takes what is never closed as text to the end: %s",
    (sql) => {
      expect(scanQuery(`select ${sql}`)).toEqual({ template: [{ text: `select ${sql}` }], problems: [] });
    },
  );

  it.each([
    ["select $1", "$1"],
    ["select $name", "$name"],
    ["select a where b = ?", "?"],
    ["select 1$2", "$2"],
    ["select $ä", "$ä"],
    ["select 'x'?", "?"],
    ["select { p }", "{ p }"],
    ["select {p }", "{p }"],
    ["select {\np}", "{\np}"],
    ["select { last.p }", "write {last.p}"],
    ["select '\0'", "NUL"],
    ["select 1 \0", "NUL"],
    ["select '\ud800'", "surrogate"],
  ])("refuses %j", (sql, named) => {
    expect(() => parseTemplate(sql)).toThrow(
      expect.objectContaining({ code: "invalid_definition", field: "query", message: expect.stringContaining(named) }),
    );
  });

  it.each(["'$1 ? { p }'", "-- $1 ? { p }", '"?"', "$$ ? $1 $$", "a$1", "$a$?$a$"])("allows %s", (sql) => {
    expect(scanQuery(sql).problems).toEqual([]);
  });

  it("reads a word of any length", () => {
    for (const letter of ["a", "ä", "$a"]) {
      const sql = `x${letter.repeat(5_000_000)} {p}`;
      expect(parameterNames(scanQuery(sql).template)).toEqual(["p"]);
    }
  });

  it("takes time in proportion to the text", () => {
    for (const piece of ["{", "'", "E'\\'", "$", "$a$", "/*", "--", "\n", "{ ", "E'' \n", "$a", "{a", '"', "/*/"]) {
      const sql = piece.repeat(200_000);
      const before = performance.now();
      expect(join(scanQuery(sql).template)).toBe(sql);
      expect(performance.now() - before, piece).toBeLessThan(2_000);
    }
  });
});

describe("any text at all", () => {
  const options = { seed: SEED, numRuns: 3_000 };
  const token = fc.constantFrom(
    ..."{p} {q} ' '' \" $ $$ $t$ E' e \\ \\' -- \n \r /* */ * / {a: } { } ? $1 x 1 , \u00a0 ä 😀 \0 {'a': U& _e ; -".split(
      " ",
    ),
    " ",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join("")),
  );

  it("is given back by its segments", () => {
    fc.assert(
      fc.property(text, (sql) => {
        const { template } = scanQuery(sql);
        expect(join(template)).toBe(sql);
        for (const segment of template) if ("text" in segment) expect(segment.text).not.toBe("");
      }),
      options,
    );
  });

  it("keeps its parameters when literals of any content stand around them", () => {
    const literal = fc.oneof(
      fc.string({ unit: "binary" }).map((content) => `'${content.replaceAll("'", "''")}'`),
      fc.string({ unit: "binary" }).map((content) => `"${content.replaceAll('"', '""')}"`),
      fc.string({ unit: "binary" }).map((content) => `E'${content.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
      fc.string({ unit: "binary" }).map((content) => `$q$${content.replaceAll("$", "")}$q$`),
      fc.string({ unit: "binary" }).map((content) => `--${content.replaceAll(/[\r\n]/g, "")}\n`),
      fc.string({ unit: "binary" }).map((content) => `/*${content.replaceAll(/[*/]/g, "")}*/`),
      fc.constantFrom("'{x}'", '"{x}"', "E'\\'{x}'", "$q${x}$q$", "--{x}\n", "/*{x}/*{x}*/*/"),
    );
    fc.assert(
      fc.property(fc.array(literal), (literals) => {
        const sql = literals.map((one, i) => `${one} , {p${i}} , `).join("");
        expect(parameterNames(parseTemplateIgnoringProblems(sql))).toEqual(literals.map((_, i) => `p${i}`));
      }),
      options,
    );
  });

  function parseTemplateIgnoringProblems(sql: string): QueryTemplate {
    return scanQuery(sql).template;
  }
});

describe("DuckDB reads the same", () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(":memory:");
    connection = await instance.connect();
  });
  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });

  async function evaluate(sql: string): Promise<unknown[]> {
    const rendered = parseTemplate(`select ${sql}`)
      .map((segment) => ("text" in segment ? segment.text : "(cast($p as varchar))"))
      .join("");
    const statement = await connection.prepare(rendered);
    if (statement.parameterCount > 0) statement.bindVarchar(1, "P");
    return (await (await statement.run()).getRows())[0] ?? [];
  }

  it.each([...OPAQUE, ...CODE])("%s", async (sql, value) => {
    expect(await evaluate(sql)).toEqual([value]);
  });

  it("in any order", async () => {
    const pieces = fc.array(fc.constantFrom(...OPAQUE, ...CODE), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(pieces, async (chosen) => {
        const sql = chosen.map(([piece]) => piece).join("\n,\t");
        expect(await evaluate(sql)).toEqual(chosen.map(([, value]) => value));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("about which characters are spaces", async () => {
    // Letters of the great scripts between these are no spaces, and there are many of them.
    const codes = Array.from({ length: 0x10000 }, (_, code) => code).filter(
      (code) => (code >= 0x80 && code < 0x3400) || code >= 0xfe00,
    );
    const spaces: number[] = [];
    for (const code of codes) {
      const character = String.fromCharCode(code);
      const isSpace = await connection.prepare(`select 1${character}as${character}y`).then(
        (statement) => statement.columnName(0) === "y",
        () => false,
      );
      if (isSpace) spaces.push(code);
    }
    // Behind a word character, the dollars belong to the word; behind a space, they open a quote.
    const ours = codes.filter((code) => scanQuery(`a${String.fromCharCode(code)}$\u0024{p}$$`).template.length === 1);
    expect(ours).toEqual(spaces);
  });
});
