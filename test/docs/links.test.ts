import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { allPages, proseOf, readPage, ROOT } from "./pages.js";

/** Targets of Markdown links; the second form is a reference's definition. */
const LINK = /\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)/gm;

describe.each(allPages())("%s", (path) => {
  it("links to files and headings that exist", () => {
    const broken = linksOf(path).filter((link) => !resolves(path, link));
    expect(broken).toEqual([]);
  });
});

it("can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    for (const link of linksOf(path)) {
      const target = join(dirname(path), link.split("#")[0] ?? "");
      if (target.endsWith(".md")) reached.add(target);
    }
  }
  expect(allPages().filter((path) => !reached.has(path))).toEqual([]);
});

function linksOf(path: string): readonly string[] {
  const links = [...proseOf(readPage(path)).matchAll(LINK)].map((match) => match[1] ?? match[2] ?? "");
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

function resolves(path: string, link: string): boolean {
  const [file = "", heading] = link.split("#");
  const target = file === "" ? path : join(dirname(path), file);
  if (!existsSync(join(ROOT, target))) return false;
  return heading === undefined || headingsOf(target).includes(heading);
}

/** Headings as GitHub names them in links. */
function headingsOf(path: string): readonly string[] {
  return [...readPage(path).matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
