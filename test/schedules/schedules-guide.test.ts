import { parse, stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { OCCURRENCE_STATES } from "../../src/model/occurrence.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { loadSchedules } from "../../src/schedules/load-schedules.js";
import type { ScheduleSpec } from "../../src/schedules/schedule-spec.js";
import { specOfSchedule } from "../../src/schedules/spec-of-schedule.js";
import { checkedTable, codeIn, readPage } from "../docs/pages.js";
import { fileWriter } from "../jobs/job-files/written-files.js";

const write = fileWriter();
const page = readPage("docs/guides/schedules.md");
const rows = checkedTable(page, "test/schedules/schedules-guide.test.ts").map(([yaml, inCode, example]) => {
  const [part = "", field = ""] = codeIn(yaml).split(".");
  return { part, field, inCode: codeIn(inCode), value: parse(codeIn(example)) as unknown };
});
const fieldsOf = (part: string) =>
  Object.fromEntries(rows.filter((row) => row.part === part).map(({ field, value }) => [field, value]));
const spec = Object.fromEntries(rows.map(({ inCode, value }) => [inCode, value])) as unknown as ScheduleSpec;

describe("the table of fields", () => {
  it("makes one schedule in YAML and in code", async () => {
    const file = stringify({ kind: "schedule", metadata: fieldsOf("metadata"), spec: fieldsOf("spec") });
    const [schedule] = (await loadSchedules(write({ "all.yaml": file })))._unsafeUnwrap();
    expect(schedule).toStrictEqual(defineSchedule(spec));
  });

  it("has every field, each with another value than its default", () => {
    expect(Object.keys(specOfSchedule(defineSchedule(spec))).sort()).toEqual(rows.map(({ inCode }) => inCode).sort());
    const { id, trigger, job } = spec;
    const plain = specOfSchedule(defineSchedule({ id, trigger, job }));
    const same = rows.filter(({ inCode, value }) => {
      return JSON.stringify(plain[inCode as keyof ScheduleSpec]) === JSON.stringify(value);
    });
    expect(same.map(({ inCode }) => inCode)).toEqual(["id", "job"]);
  });
});

it("the guide names every state of an occurrence", () => {
  for (const state of OCCURRENCE_STATES) expect(page).toMatch(new RegExp(`\\| .*\`${state}\``));
});
