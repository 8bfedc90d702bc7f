import { expect, it } from "vitest";
import { RUN_STATUSES, RUN_TRANSITIONS } from "../../src/model/run-status.js";
import { checkedTable, codeIn, readPage } from "./pages.js";

const page = readPage("docs/run-states.md");

/** `from to` for every transition that the code knows. */
const known = RUN_STATUSES.flatMap((from) => RUN_TRANSITIONS[from].map((to) => `${from} ${to}`)).sort();

it("has every transition in its table, and no other", () => {
  // A row with empty first cells goes on with the transition above it.
  const rows = checkedTable(page, "test/docs/run-states.test.ts");
  const listed = rows
    .filter(([from, to]) => from !== "" || to !== "")
    .map(([from, to]) => `${codeIn(from)} ${codeIn(to)}`);
  expect([...listed].sort()).toEqual(known);
  expect(new Set(listed).size).toBe(listed.length);
  for (const [, , who, when, event] of rows) {
    expect(who).not.toBe("");
    expect(when).not.toBe("");
    expect(codeIn(event)).toMatch(/^run\./);
  }
});

it("draws the same transitions", () => {
  const arrows = [...page.matchAll(/^ {2}(\w+) --> (\w+)(?::|$)/gm)].map(([, from, to]) => `${from} ${to}`);
  expect(arrows.sort()).toEqual(known);
});

it("draws every terminal status as an end", () => {
  const ends = [...page.matchAll(/^ {2}(\w+) --> \[\*\]$/gm)].map(([, status]) => status);
  expect(ends.sort()).toEqual(RUN_STATUSES.filter((status) => RUN_TRANSITIONS[status].length === 0).sort());
});
