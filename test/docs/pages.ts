import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** The checkout. */
export const ROOT = join(import.meta.dirname, "../..");

/** A page of the documentation, by its path in the checkout. */
export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** README.md and every page under docs/, as paths in the checkout. */
export function allPages(): readonly string[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join("/"));
  return ["README.md", ...docs.sort()];
}

export interface CodeBlock {
  /** What stands behind the opening fence: `ts`, `sh`, … */
  readonly language: string;
  readonly code: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page, in order. */
export function codeBlocks(page: string): readonly CodeBlock[] {
  const fence = /^```(\S*)[^\n]*\n([\s\S]*?)^```$/gm;
  return [...page.matchAll(fence)].map((match) => ({
    language: match[1] ?? "",
    code: match[2] ?? "",
    line: page.slice(0, match.index).split("\n").length,
  }));
}

/** The page without its fenced blocks and inline code, where a link is none. */
export function proseOf(page: string): string {
  return page.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
}

/** The cells of the table that follows `<!-- checked: test -->`, without the two heading rows. */
export function checkedTable(page: string, test: string): readonly (readonly string[])[] {
  const mark = `<!-- checked: ${test} -->`;
  const [, after] = page.split(mark);
  if (after === undefined) throw new Error(`The page has no mark "${mark}".`);
  const lines = after.trimStart().split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end < 0 ? undefined : end).map(cells);
}

function cells(line: string): readonly string[] {
  const inner = line.trim().slice(1, -1);
  return inner.split("|").map((cell) => cell.trim());
}

/** `name` out of "`name`"; anything else is an error, so that a cell cannot lose its quotes unseen. */
export function codeIn(cell: string | undefined): string {
  const code = /^`([^`]+)`/.exec(cell ?? "")?.[1];
  if (code === undefined) throw new Error(`"${cell ?? ""}" does not begin with a code in back-ticks.`);
  return code;
}
