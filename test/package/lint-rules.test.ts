import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { describe, expect, it } from "vitest";

// Snippets have no file, so the rules that need types are off here; the last test puts them back.
const untyped = new ESLint({ overrideConfig: [{ files: ["**/*.ts"], ...tseslint.configs.disableTypeChecked }] });
const typed = new ESLint();

async function lint(filePath: string, code: string, eslint = untyped): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId ?? "fatal"}: ${message}`);
}

const importOf = (specifier: string) => `import { thing } from "${specifier}";\nthing();`;
const typeOf = (specifier: string) => `import type { Thing } from "${specifier}";\nexport type Mine = Thing;`;
const noImport = (layer: string, what: string) => `millrace/import-directions: ${layer} may not import ${what}: `;

describe("imports go one way", () => {
  it.each([
    ["src/model/run.ts", "../ports/clock.js", "model", "ports"],
    ["src/model/run.ts", "neverthrow", "model", "neverthrow"],
    ["src/model/run.ts", "node:fs", "model", "node:fs"],
    ["src/model/run.ts", "apache-arrow", "model", "apache-arrow"],
    ["src/ports/clock.ts", "../jobs/define-job.js", "ports", "jobs"],
    ["src/ports/clock.ts", "../adapters/system/system-clock.js", "ports", "adapters/system"],
    ["src/jobs/registry.ts", "../runs/submission.js", "jobs", "runs"],
    ["src/runs/dispatch.ts", "../executor/job-executor.js", "runs", "executor"],
    ["src/runs/dispatch.ts", "../adapters/memory/memory-job-store.js", "runs", "adapters/memory"],
    ["src/runs/settling.ts", "../testing/manual-clock.js", "runs", "testing"],
    ["src/runs/dispatch.ts", "kysely", "runs", "kysely"],
    ["src/executor/job-executor.ts", "../adapters/duckdb/duckdb-engine.js", "executor", "adapters/duckdb"],
    ["src/executor/job-executor.ts", "apache-arrow", "executor", "apache-arrow"],
    ["src/adapters/sqlite/store.ts", "../duckdb/duckdb-engine.js", "adapters/sqlite", "adapters/duckdb"],
    ["src/adapters/sqlite/store.ts", "../../runs/dispatch.js", "adapters/sqlite", "runs"],
    ["src/adapters/sqlite/store.ts", "@duckdb/node-api", "adapters/sqlite", "@duckdb/node-api"],
    ["src/adapters/sqlite/store.ts", "neverthrow", "adapters/sqlite", "neverthrow"],
    ["src/adapters/duckdb/engine.ts", "better-sqlite3", "adapters/duckdb", "better-sqlite3"],
    ["src/adapters/memory/memory.ts", "apache-arrow", "adapters/memory", "apache-arrow"],
    ["src/adapters/sql/identifiers.ts", "../sqlite/store.js", "adapters/sql", "adapters/sqlite"],
    ["src/testing/drain.ts", "../adapters/memory/memory.js", "testing", "adapters/memory"],
    ["src/testing/drain.ts", "../index.js", "testing", "src/index.ts"],
    ["src/index.ts", "./adapters/duckdb/entry.js", "index", "adapters/duckdb"],
    ["src/index.ts", "left-pad", "index", "left-pad"],
    ["src/novelties/thing.ts", "../model/run.js", "novelties", "anything"],
  ])("%s may not import %s", async (file, specifier, layer, what) => {
    expect(await lint(file, importOf(specifier))).toEqual([expect.stringContaining(noImport(layer, what))]);
  });

  it.each([
    ["src/ports/clock.ts", "../model/run.js"],
    ["src/jobs/registry.ts", "neverthrow"],
    ["src/runs/dispatch.ts", "../ports/clock.js"],
    ["src/executor/job-executor.ts", "../adapters/system/system-clock.js"],
    ["src/adapters/sqlite/store.ts", "../sql/identifiers.js"],
    ["src/adapters/sqlite/store.ts", "./migrations.js"],
    ["src/adapters/sqlite/store.ts", "node:path"],
    ["src/adapters/duckdb/engine.ts", "apache-arrow"],
    ["src/testing/drain.ts", "apache-arrow"],
    ["src/index.ts", "./adapters/memory/memory.js"],
  ])("%s may import %s", async (file, specifier) => {
    expect(await lint(file, importOf(specifier))).toEqual([]);
  });

  it("lets Arrow's types through everywhere, and the types of nothing else", async () => {
    expect(await lint("src/ports/rows.ts", typeOf("apache-arrow"))).toEqual([]);
    expect(await lint("src/ports/rows.ts", typeOf("kysely"))).toEqual([
      expect.stringContaining("ports may not import kysely"),
    ]);
    expect(await lint("src/model/rows.ts", typeOf("../ports/clock.js"))).toHaveLength(1);
  });

  it.each([
    'export { thing } from "../executor/job-executor.js";',
    'export const late = () => import("../executor/job-executor.js");',
  ])("sees %s", async (code) => {
    expect(await lint("src/runs/dispatch.ts", code)).toEqual([expect.stringContaining(noImport("runs", "executor"))]);
  });
});

describe("time, ids, randomness and state come from outside", () => {
  const refused = [
    "export const now = () => Date.now();",
    "export const now = () => new Date();",
    "export const now = () => performance.now();",
    "export const now = () => process.hrtime();",
    "export const id = () => Math.random();",
    "export const id = () => crypto.randomUUID();",
    'import { randomUUID } from "node:crypto";\nexport const id = () => randomUUID();',
    'import { setTimeout as wait } from "node:timers/promises";\nexport const later = () => wait(1);',
    "export const later = (f: () => void) => setTimeout(f, 1);",
    "export const later = (f: () => void) => setInterval(f, 1);",
    "export const later = () => AbortSignal.timeout(1);",
  ];
  const state = [
    "export const home = () => process.env;",
    "let count = 0;\nexport const next = () => ++count;",
    "const cache = new WeakMap<object, string>();\nexport const get = (key: object) => cache.get(key);",
    "export const cache = new Map<string, string>();",
  ];

  it.each([...refused, ...state])("src/runs refuses %s", async (code) => {
    expect(await lint("src/runs/dispatch.ts", code)).toHaveLength(1);
  });

  it.each(refused)("src/adapters/system may say %s", async (code) => {
    expect(await lint("src/adapters/system/system-clock.ts", code)).toEqual([]);
  });

  it("leaves alone what only looks like it", async () => {
    const code = "export const at = (ms: number) => new Date(ms);\nexport const known = new Set([1, 2]);";
    expect(await lint("src/runs/dispatch.ts", code)).toEqual([]);
  });
});

describe("house rules", () => {
  it.each([
    ["src/runs/dispatch.ts", 'export * from "./leases.js";', "no-restricted-syntax: Name what is exported"],
    [
      "src/runs/dispatch.ts",
      "const dispatch = 1;\nexport default dispatch;",
      "no-restricted-syntax: Named exports only",
    ],
    [
      "src/runs/dispatch.ts",
      "export const one = (x: string) => x as unknown as number;",
      "no-restricted-syntax: `as unknown as`",
    ],
    ["src/runs/dispatch.ts", "export const any = (x: any) => x;", "@typescript-eslint/no-explicit-any"],
    [
      "src/runs/dispatch.ts",
      'import { A } from "./leases.js";\nexport type B = A;',
      "@typescript-eslint/consistent-type-imports",
    ],
    [
      "src/runs/dispatch.ts",
      'export type B = import("./leases.js").B;',
      "@typescript-eslint/consistent-type-imports: `import()`",
    ],
    ["src/runs/runDispatch.ts", "export const one = 1;", "millrace/file-names: runDispatch"],
    ["src/runs/utils.ts", "export const one = 1;", "millrace/file-names: A folder or file called utils"],
    ["src/helpers/dispatch.ts", "export const one = 1;", "millrace/file-names: A folder or file called helpers"],
    [
      "src/runs/dispatch.ts",
      "// eslint-disable-next-line no-console\nconsole.log(1);",
      "millrace/argued-disable: Say why",
    ],
  ])("%s: %s", async (file, code, message) => {
    expect(await lint(file, code)).toEqual([expect.stringContaining(message)]);
  });

  it("accepts a rule switched off with its reason", async () => {
    const code = "// eslint-disable-next-line no-console -- the command prints\nconsole.log(1);";
    expect(await lint("src/runs/dispatch.ts", code)).toEqual([]);
  });
});

describe("rules that need types", () => {
  it.each([
    ["const wait = async () => 1;\nwait();\nexport {};", "@typescript-eslint/no-floating-promises"],
    [
      "const wait = async () => true;\nif (wait()) throw new Error();\nexport {};",
      "@typescript-eslint/no-misused-promises",
    ],
    ["const one = await 1;\nexport { one };", "@typescript-eslint/await-thenable"],
    [
      'export function pick(x: "a" | "b"): number {\n  switch (x) {\n    case "a":\n      return 1;\n  }\n  return 2;\n}',
      "@typescript-eslint/switch-exhaustiveness-check",
    ],
  ])("%s", async (code, rule) => {
    // A path that exists, so that the project knows it.
    expect(await lint("src/index.ts", code, typed)).toEqual([expect.stringContaining(rule)]);
  });
});
