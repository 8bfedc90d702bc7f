import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { defineJob } from "../../../src/jobs/define-job.js";
import { loadJobs } from "../../../src/jobs/job-files/load-jobs.js";
import type { JobFileError } from "../../../src/jobs/job-files/job-file-error.js";
import { isJobError } from "../../../src/model/job-error.js";
import { fileWriter } from "./written-files.js";

const write = fileWriter();

const named = (name: string) => `kind: job
metadata: { name: ${name} }
spec:
  query: select 1
  destination: { table: lake.t }
`;

/** A job with more lines in its spec; they begin in line 6. */
const withSpec = (lines: string) => `${named("a")}${lines.replace(/^/gm, "  ")}\n`;

async function refusal(paths: Parameters<typeof loadJobs>[0]): Promise<JobFileError> {
  return (await loadJobs(paths))._unsafeUnwrapErr();
}

/** The problems of one file, each as `line:column field message`. */
async function problems(text: string | Uint8Array): Promise<readonly string[]> {
  const error = await refusal(join(write({ "job.yaml": text }), "job.yaml"));
  return error.problems.map(({ line, column, field, message }) => `${line}:${column} ${field} ${message}`);
}

async function namesOf(paths: Parameters<typeof loadJobs>[0]): Promise<readonly string[]> {
  return (await loadJobs(paths))._unsafeUnwrap().map(({ name }) => name);
}

describe("a job file", () => {
  it("holds the job that code would define", async () => {
    const folder = write({
      "ingest.yaml": `
kind: job
metadata:
  name: "ingest"
  version: "1.0.0"
  description: Rows that are new
spec:
  query: |
    SELECT id FROM src
    WHERE id >= {min_id}
  destination:
    table: "lake.dest"
    mode: append
    create_if_missing: false
  execution:
    timeout_ms: 60000
`,
    });
    const inCode = defineJob({
      name: "ingest",
      version: "1.0.0",
      description: "Rows that are new",
      query: "SELECT id FROM src\nWHERE id >= {min_id}\n",
      destination: { table: "lake.dest", mode: "append", createIfMissing: false },
      execution: { timeoutMs: 60_000 },
    });
    const [job] = (await loadJobs(join(folder, "ingest.yaml")))._unsafeUnwrap();
    expect(job).toStrictEqual(inCode);
    expect(job?.hash).toBe(inCode.hash);
  });

  it("may hold several documents, and other kinds beside jobs, which are left unread", async () => {
    const others = ["aliases", "context", "pipeline", "semantics"].map(
      (kind) => `kind: ${kind}\nspec: !odd { a: 1, a: 2 }\n`,
    );
    const text = ["", named("b"), ...others, "# nothing\n", named("a")].join("---\n");
    expect(await namesOf(join(write({ "all.yaml": text }), "all.yaml"))).toEqual(["b", "a"]);
  });

  it("is found in a folder by its ending, in the order of the names, and not in the folders within", async () => {
    const folder = write({
      "c.yaml": named("c"),
      "B.YML": named("b"),
      "a10.yml": named("a10"),
      "a9.yaml": named("a9"),
      "notes.txt": "no: [yaml",
      "jobs.yaml.bak": "no: [yaml",
      ".hidden.yaml": "no: [yaml",
      "more/d.yaml": named("d"),
    });
    symlinkSync(join(folder, "more/d.yaml"), join(folder, "b-link.yaml"));
    expect(await namesOf(folder)).toEqual(["b", "a10", "a9", "d", "c"]);
    expect(await namesOf([join(folder, "c.yaml"), join(folder, "more")])).toEqual(["c", "d"]);
    expect(await namesOf(pathToFileURL(join(folder, "c.yaml")))).toEqual(["c"]);
    expect(await namesOf(relative(process.cwd(), folder))).toHaveLength(5);
    expect(await namesOf([])).toEqual([]);
    expect(await namesOf(write({}))).toEqual([]);
  });

  it("begins with a byte order mark and ends its lines as it likes", async () => {
    const text = `\ufeff${named("a").replaceAll("\n", "\r\n")}`;
    expect(await namesOf(write({ "a.yaml": text }))).toEqual(["a"]);
    expect(await problems(`${text}  descripton: x`)).toEqual([expect.stringMatching(/^6:3 spec.descripton /)]);
  });

  it("is YAML 1.2: what looks like more is text", async () => {
    const [job] = (
      await loadJobs(
        write({
          "a.yaml": `kind: job
metadata: { name: no, description: 2024-01-31, version: 1_000 }
spec:
  query: select {a}, {b}
  params: { a: { type: DATE, default: 2024-01-31 }, b: { type: VARCHAR, default: "\${HOME}" } }
  destination: { table: on }
`,
        }),
      )
    )._unsafeUnwrap();
    expect(job).toMatchObject({
      name: "no",
      description: "2024-01-31",
      version: "1_000",
      destination: { table: "on" },
    });
    // Nothing of the environment comes in.
    expect([...(job?.checks.defaults.values() ?? [])].map(({ given }) => given)).toEqual(["2024-01-31", "${HOME}"]);
  });

  it("may name a part once and repeat it", async () => {
    const text = `kind: job
metadata: { name: a }
spec: { query: select 1, destination: &lake { table: lake.t, createIfMissing: true }, execution: &e { backoff: &b { jitter: 0 } } }
---
kind: job
metadata: { name: &name b, description: *name }
spec: { query: &q select 1, destination: &lake { table: lake.u }, execution: { backoff: &c { jitter: 0 } } }
`;
    const jobs = (await loadJobs(write({ "a.yaml": text })))._unsafeUnwrap();
    expect(jobs.map(({ destination, description }) => [destination.table, description])).toEqual([
      ["lake.t", undefined],
      ["lake.u", "b"],
    ]);
    // An anchor ends with its document.
    expect(
      await problems(`${text}---\nkind: job\nmetadata: { name: c }\nspec: { query: select 1, destination: *lake }`),
    ).toEqual(["11:26 spec.destination is an alias without an anchor before it"]);
  });
});

describe("mistakes in job files", () => {
  it("are all reported at once, by file, line, column and field as it is written", async () => {
    const folder = write({
      "a.yaml": `# first
kind: job
metadata:
  name: 5
  lable: x
spec:
  name: y
  qurey: select 1
  destination:
    mode: { kind: upsert, keys: [id, 3, ""] }
  execution:
    timeout_ms: "3"
    maxAttempts: 2.5
    backoff: { kind: no }
---
kind: jbo
---
foo: 1
---
- x
`,
      "b.yaml": `${named("b")}  params: { min: INTT }\n`,
      "c.yaml": "kind: job\nmetadata: [\n",
    });
    const error = await refusal([folder, join(folder, "none.yaml")]);
    expect(
      error.problems.map(({ file, line, column, field }) => [relative(folder, file), line, column, field]),
    ).toEqual([
      ["a.yaml", 4, 3, "metadata.name"],
      ["a.yaml", 5, 3, "metadata.lable"],
      ["a.yaml", 6, 1, "spec.query"],
      ["a.yaml", 7, 3, "spec.name"],
      ["a.yaml", 8, 3, "spec.qurey"],
      ["a.yaml", 9, 3, "spec.destination.table"],
      ["a.yaml", 10, 38, "spec.destination.mode.keys[1]"],
      ["a.yaml", 10, 41, "spec.destination.mode.keys[2]"],
      ["a.yaml", 12, 5, "spec.execution.timeout_ms"],
      ["a.yaml", 13, 5, "spec.execution.maxAttempts"],
      ["a.yaml", 14, 16, "spec.execution.backoff.kind"],
      ["a.yaml", 16, 1, "kind"],
      ["a.yaml", 18, 1, ""],
      ["a.yaml", 20, 1, ""],
      ["b.yaml", 6, 13, "spec.params.min"],
      ["c.yaml", 3, 1, ""],
      ["none.yaml", null, null, ""],
    ]);
    expect(isJobError(error, "invalid_job_file")).toBe(true);
    expect(error).toMatchObject({ code: "invalid_job_file", field: "metadata.name", retryable: false });
    expect(error.message).toContain(
      `\n  ${join(folder, "a.yaml")}:12:5 spec.execution.timeout_ms must be a whole number`,
    );
    expect(error.toJSON()).toMatchObject({ code: "invalid_job_file", problems: error.problems });
    expect(error.problems.find(({ field }) => field === "kind")?.message).toContain('Did you mean "job"?');
  });

  it("are listed in the message up to a number, and counted beyond", async () => {
    const error = await refusal(
      write({ "a.yaml": `${named("a")}${Array.from({ length: 25 }, (_, i) => `  x${i}: 1\n`).join("")}` }),
    );
    expect(error.problems).toHaveLength(25);
    expect(error.message).toContain("25 mistakes");
    expect(error.message).toContain('x19 is no part of a definition.\n  and 5 more, all in "problems"');
  });

  it("include a name that two jobs have, in whichever files", async () => {
    const folder = write({ "a.yaml": named("same"), "b.yaml": `${named("b")}---\n${named("same")}  executoin: {}\n` });
    const { problems } = await refusal(folder);
    expect(problems.map(({ line, column, field }) => [line, column, field])).toEqual([
      [12, 3, "spec.executoin"],
      [8, 13, "metadata.name"],
    ]);
    expect(problems[1]?.message).toBe(`is the name of another job too, at ${join(folder, "a.yaml")}:2:13`);
    // Two jobs without a name do not have the same one.
    const nameless = named("same").replace("name: same", "");
    const error = await refusal(write({ "a.yaml": `${nameless}---\n${nameless}` }));
    expect(error.problems.map(({ message }) => message)).toEqual(["must be a string", "must be a string"]);
  });

  it.each<[string, string, string]>([
    ["an empty file", "", "1:1  holds no document"],
    ["a file of comments", "# nothing\n", "1:1  holds no document"],
    ["a text", "job", "1:1  must be a mapping with kind, metadata and spec"],
    ["null", "null", "1:1  must be a mapping with kind, metadata and spec"],
    ["no kind", "metadata: {}", '1:1  needs its kind: "kind: job"'],
    [
      "an empty kind",
      "kind:\nmetadata: {}",
      "1:1 kind is none of job, schedule, aliases, context, pipeline, semantics.",
    ],
    [
      "a kind in capitals",
      "kind: Job",
      '1:1 kind is none of job, schedule, aliases, context, pipeline, semantics. Did you mean "job"?',
    ],
    ["two kinds", `kind: pipeline\n${named("a")}`, "2:1 kind is given twice: kind stands in line 1"],
    ["another part", `${named("a")}apiVersion: 1`, "6:1 apiVersion is no part of a definition."],
    ["no metadata", named("a").replace(/^metadata.*$/m, ""), "1:1 metadata.name must be a string"],
    [
      "metadata that are none",
      named("a").replace("{ name: a }", "a"),
      "2:1 metadata needs a plain object, not a string",
    ],
    [
      "a version that is a number",
      named("a").replace("name: a", "name: a, version: 1.0"),
      "2:22 metadata.version must be a string, not a number",
    ],
    ["one field twice", withSpec("query: select 2"), "6:3 spec.query is given twice: spec.query stands in line 4"],
    [
      "both spellings of a field",
      withSpec("execution: { timeoutMs: 1, timeout_ms: 1 }"),
      "6:30 spec.execution.timeout_ms is given twice: spec.execution.timeoutMs stands in line 6",
    ],
    [
      "another spelling elsewhere",
      withSpec("execution: { max_attempts: 1 }"),
      '6:16 spec.execution.max_attempts is no part of a definition. Did you mean "maxAttempts"?',
    ],
    [
      "text for a number",
      withSpec('execution: { timeoutMs: "3" }'),
      "6:16 spec.execution.timeoutMs must be a whole number from 0 to 2147483647, not a string",
    ],
    [
      "a number with marks",
      withSpec("execution: { timeoutMs: 1_000 }"),
      "6:16 spec.execution.timeoutMs must be a whole number from 0 to 2147483647, not a string",
    ],
    [
      "half a number",
      withSpec("execution: { timeoutMs: 2.5 }"),
      "6:16 spec.execution.timeoutMs must be a whole number from 0 to 2147483647",
    ],
    [
      "a number that is none",
      withSpec("execution: { timeoutMs: .nan }"),
      "6:16 spec.execution.timeoutMs must be a whole number from 0 to 2147483647",
    ],
    [
      "a huge number",
      withSpec("execution: { priority: 9007199254740993 }"),
      "6:16 spec.execution.priority must be a whole number from -2147483647 to 2147483647, not a bigint",
    ],
    [
      "more digits than a number has",
      withSpec("execution: { backoff: { jitter: 0.12345678901234567890 } }"),
      "6:27 spec.execution.backoff.jitter has more digits than a number keeps: put it in quotes",
    ],
    [
      "a number beyond all",
      withSpec("execution: { priority: 1e999 }"),
      "6:16 spec.execution.priority has more digits than a number keeps: put it in quotes",
    ],
    [
      "yes",
      named("a").replace("lake.t", "lake.t, createIfMissing: yes"),
      "5:33 spec.destination.createIfMissing must be true or false, not a string",
    ],
    ["a key that is a number", withSpec("1: 2"), "6:3 spec has a key that is no text"],
    ["a key that is a list", withSpec("? [a]\n: 2"), "6:5 spec has a key that is no text"],
    ["a key without text", withSpec("? \n: 2"), "6:5 spec has a key that is no text"],
    ["a merge key", withSpec("<<: { execution: {} }"), "6:3 spec.<< is no part of a definition."],
    ["a tag", withSpec("execution: !policy {}"), "6:3 spec.execution has a tag, and none is taken"],
    [
      "a tag of a number",
      withSpec('execution: { timeoutMs: !!int "3" }'),
      "6:16 spec.execution.timeoutMs has a tag, and none is taken",
    ],
    ["a tag of a key", withSpec("!x execution: {}"), "6:6 spec.execution has a tag, and none is taken"],
    [
      "binary data",
      withSpec("params: { a: !!binary aGk= }").replace("select 1", "select {a}"),
      "6:13 spec.params.a has a tag, and none is taken",
    ],
    [
      "a schema",
      withSpec("params: { a: { schema: {} } }").replace("select 1", "select {a}"),
      "6:18 spec.params.a.schema must be a Standard Schema (Zod, Valibot, ArkType and others make them)",
    ],
    ["an alias of nothing", withSpec("execution: *e"), "6:3 spec.execution is an alias without an anchor before it"],
    [
      "an alias of what comes later",
      withSpec("execution: *e\nparams: &e {}"),
      "6:3 spec.execution is an alias without an anchor before it",
    ],
    [
      "an alias of itself",
      withSpec("execution: &e { backoff: *e }"),
      "6:19 spec.execution.backoff is an alias for what it stands in",
    ],
    [
      "a mistake in what is repeated",
      withSpec("params: &p { x: INT }\nexecution: *p"),
      "6:16 spec.execution.x is no part of a definition.",
    ],
    [
      "a tab as indentation",
      `${named("a")}  execution:\n\ttimeoutMs: 1`,
      "7:1  is no YAML: tabs are not allowed as indentation",
    ],
    [
      "a carriage return alone",
      named("a").replace("select 1", '"select\r1"'),
      "4:17  has a carriage return without a line feed",
    ],
    ["YAML 1.1", `%YAML 1.1\n---\n${named("a")}`, "1:1  is YAML 1.1, and 1.2 is needed"],
    ["an unknown directive", `%FOO bar\n---\n${named("a")}`, "1:1  begins with an unknown directive"],
    [
      "a bracket too many",
      withSpec("execution: {}}"),
      "6:16  is no YAML: unexpected flow-map-end token in YAML stream",
    ],
  ])("%s", async (_what, text, problem) => {
    expect(await problems(text)).toContain(problem);
  });

  it("say it once, where no more can be known", async () => {
    expect(await problems(withSpec("execution: *e"))).toHaveLength(1);
    expect(await problems(named("a").replace("{ table: lake.t }", "*d"))).toEqual([
      "5:3 spec.destination is an alias without an anchor before it",
    ]);
    expect(await problems(withSpec("query: [select 2"))).toHaveLength(1);
    expect(await problems(withSpec(`query: ${"[".repeat(5_000)}`))).toHaveLength(1);
  });

  it("quote nothing of the file, which may hold a secret", async () => {
    const secret = "hunter2-hunter2";
    const texts = [
      withSpec(`params: "x" ${secret}`),
      withSpec(`params: { a: "${secret}`),
      withSpec(`params: { a: ${secret} }}`),
      withSpec(`params: "\\x${secret}"`),
      withSpec(`params: |${secret}\n  x`),
      withSpec(`params: !${secret} x`),
      withSpec(`params: { a: { type: INT, secret: true, default: ${secret} } }`).replace("select 1", "select {a}"),
      `%YAML ${secret}\n---\n${named("a")}`,
      `kind: ${secret}`,
      `kind: job\nmetadata: ${secret}`,
      `${secret}`,
    ];
    for (const text of texts) {
      const error = await refusal(write({ "a.yaml": text }));
      expect(error.message + JSON.stringify(error), text).not.toContain("hunter2");
    }
  });
});

describe("files that cannot be read", () => {
  const unreadable = async (path: string) => {
    const error = await refusal(path);
    expect(error.code).toBe("job_file_unreadable");
    return error.problems.map(({ file, line, column, message }) => ({ file, line, column, message }));
  };

  it("are reported without a line", async () => {
    const folder = write({
      "latin.yaml": Buffer.from("kind: job # \xe9", "latin1"),
      "big.yaml": `#${" ".repeat(2 ** 20)}`,
    });
    mkdirSync(join(folder, "x.yaml"));
    execFileSync("mkfifo", [join(folder, "z.yaml")]);
    const nowhere = { line: null, column: null };
    expect(await unreadable(folder)).toEqual([
      { file: join(folder, "big.yaml"), ...nowhere, message: "is larger than 1048576 bytes" },
      { file: join(folder, "latin.yaml"), ...nowhere, message: "is not UTF-8" },
      { file: join(folder, "x.yaml"), ...nowhere, message: "is not a file" },
      { file: join(folder, "z.yaml"), ...nowhere, message: "is not a file" },
    ]);
    expect(await unreadable("/dev/zero")).toEqual([{ file: "/dev/zero", ...nowhere, message: "is not a file" }]);
    expect(await unreadable(join(folder, "none"))).toEqual([
      { file: join(folder, "none"), ...nowhere, message: expect.stringContaining("ENOENT") },
    ]);
  });
});

describe("a hostile file", () => {
  const MB = 2 ** 20 - 1000;
  const KB = 1024;
  const bomb = `${"a b c d e f g h i j k l m"
    .split(" ")
    .map(
      (name, i, all) =>
        `${name}: &${name} [${
          i === 0
            ? "[], [], [], [], [], [], [], [], []"
            : Array(9)
                .fill(`*${all[i - 1]}`)
                .join(", ")
        }]`,
    )
    .join("\n")}\n`;

  it.each<[string, string, RegExp]>([
    ["aliases of aliases", withSpec(bomb), /alias too many/],
    [
      "a long text a thousand times",
      withSpec(`a: &a ${"x".repeat(100_000)}\nb: [${Array(1000).fill("*a").join(", ")}]`),
      /alias too many/,
    ],
    ["brackets", withSpec(`a: ${"[".repeat(100 * KB)}`), /nested too deeply/],
    ["closed brackets", withSpec(`a: ${"[".repeat(500)}${"]".repeat(500)}`), /nested deeper than 100/],
    ["a path of keys", withSpec(`a: ${"{a: ".repeat(20 * KB)}`), /nested too deeply/],
    [
      "fields",
      named("a") + Array.from({ length: MB / 10 }, (_, i) => `  ${i.toString(36).padStart(4, "f")}: 1`).join("\n"),
      /no part of a definition/,
    ],
    ["equal fields", named("a") + "  e: 1\n".repeat(MB / 7), /given twice/],
    [
      "anchors",
      withSpec(`a: [${Array.from({ length: 10 * KB }, (_, i) => `&${i.toString(36)} x`).join(", ")}]`),
      /no part/,
    ],
    ["documents", "---\n".repeat(20 * KB), /^$/],
    ["kinds", "---\na: 1\n".repeat(20 * KB), /needs its kind/],
    ["digits", withSpec(`execution: { priority: ${"9".repeat(MB)} }`), /not a bigint/],
    ["digits behind a point", withSpec(`execution: { priority: 0.${"0".repeat(MB)}1 }`), /more digits/],
    ["spaces", withSpec(`a: ${" ".repeat(MB)}1`), /no part/],
    ["quotes", withSpec("' ".repeat(MB / 2)), /no YAML/],
    ["query", named("a").replace("select 1", `select ${"{a} ".repeat(MB / 4)}`), /^$/],
  ])(
    "of nothing but %s is read in a moment",
    async (_what, text, message) => {
      const before = process.cpuUsage();
      const loaded = await loadJobs(write({ "a.yaml": text }));
      const found = loaded.isOk()
        ? ""
        : loaded.error.problems
            .map((one) => one.message)
            .join("\n")
            .slice(0, 200_000);
      expect(found).toMatch(message);
      // What took time with the square of the size would take minutes; a busy machine takes none of the processor's.
      const { user } = process.cpuUsage(before);
      expect(user / 1_000_000).toBeLessThan(10);
    },
    120_000,
  );
});
