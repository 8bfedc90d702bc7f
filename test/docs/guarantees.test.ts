import { expect, it } from "vitest";
import { guaranteesPage } from "../../build/guarantees-page.js";
import { readPage } from "./pages.js";

it("is what the contracts and their waivers say now: npm run guarantees", () => {
  expect(readPage("docs/guarantees.md")).toBe(guaranteesPage());
}, 180_000);
