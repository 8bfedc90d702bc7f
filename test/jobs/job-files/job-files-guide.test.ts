import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { loadJobs } from "../../../src/jobs/job-files/load-jobs.js";
import { SPELLINGS } from "../../../src/jobs/job-files/plain-yaml.js";
import { jobFromSpec } from "../../../src/jobs/job-from-spec.js";
import { EXECUTION_DEFAULTS } from "../../../src/model/job-definition.js";
import { checkedTable, codeIn, readPage } from "../../docs/pages.js";
import { fileWriter } from "./written-files.js";

const write = fileWriter();

const rows = checkedTable(readPage("docs/guides/job-files.md"), "test/jobs/job-files/job-files-guide.test.ts").map(
  ([field, or = "", inCode, example]) => {
    const path = codeIn(field);
    return {
      path,
      other: or === "" ? undefined : path.replace(/\w+$/, codeIn(or)),
      inCode: codeIn(inCode),
      value: parse(codeIn(example)) as unknown,
    };
  },
);

interface Fields {
  [name: string]: unknown;
}

/** Puts a value at a path, and the objects around it. */
function put(into: Fields, path: string, value: unknown): void {
  const [first = "", ...rest] = path.split(".");
  if (rest.length === 0) into[first] = value;
  else put((into[first] ??= {}) as Fields, rest.join("."), value);
}

function whole(fieldOf: (row: (typeof rows)[number]) => string, into: Fields = {}): Fields {
  for (const row of rows) put(into, fieldOf(row), row.value);
  return into;
}

describe("the table of fields", () => {
  it.each<[string, (row: (typeof rows)[number]) => string]>([
    ["camel case", ({ path }) => path],
    ["the other spellings", ({ path, other }) => other ?? path],
  ])("makes in %s one job, that of its code", async (_what, fieldOf) => {
    const file = stringify(whole(fieldOf, { kind: "job" }));
    const [job] = (await loadJobs(write({ "all.yaml": file })))._unsafeUnwrap();
    expect(job).toStrictEqual(jobFromSpec(whole(({ inCode }) => inCode)));
  });

  it("has every field of an execution, and every other spelling", () => {
    const listed = rows.filter(({ path }) => path.startsWith("spec.execution.")).map(({ path }) => path.split(".")[2]);
    expect(listed.sort()).toEqual(Object.keys(EXECUTION_DEFAULTS).sort());
    const others = rows
      .filter(({ other }) => other !== undefined)
      .map(({ path, other }) => [other, path.split(".")[2]]);
    expect(others).toEqual([...SPELLINGS]);
  });
});
