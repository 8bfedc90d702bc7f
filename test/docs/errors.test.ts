import { expect, it } from "vitest";
import { ERROR_CODES } from "../../src/model/error-codes.js";
import { checkedTable, codeIn, readPage } from "./pages.js";

const rows = checkedTable(readPage("docs/errors.md"), "test/docs/errors.test.ts");

it("lists every code with its planes, whether it is retryable, and its meaning", () => {
  const documented = Object.fromEntries(
    rows.map(([code, planes = "", retryable, meaning]) => [
      codeIn(code),
      { planes: planes.split(", "), retryable: retryable === "yes", meaning },
    ]),
  );
  expect(documented).toEqual(ERROR_CODES);
  // In the order of the code, each once.
  expect(rows.map(([code]) => codeIn(code))).toEqual(Object.keys(ERROR_CODES));
});

it("says what to do about each", () => {
  for (const row of rows) expect(row[4], row[0]).toMatch(/\S.*\.$/);
});
