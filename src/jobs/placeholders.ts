import type { QuerySegment, QueryTemplate } from "../model/job-definition.js";
import { JobError } from "../model/job-error.js";
import { isWhole } from "./whole-text.js";

/** What one pass over a query finds. */
export interface QueryScan {
  readonly template: QueryTemplate;
  /** Why the text cannot be a job's query; empty for a good one. */
  readonly problems: readonly string[];
}

/**
 * Splits a query into its text and its `{name}` and `{last.name}` places. A name counts only where the text is code: not in literals,
 * quoted identifiers, dollar quotes and comments. Joined again, the segments give the text back.
 *
 * @throws JobError `invalid_definition` for NUL, half a surrogate pair, or the engine's own parameters (`$1`, `?`).
 */
export function parseTemplate(sql: string): QueryTemplate {
  const { template, problems } = scanQuery(sql);
  if (problems.length === 0) return template;
  throw new JobError("invalid_definition", {
    message: `The query cannot be used: ${problems.join("; ")}.`,
    hint: "Name parameters as {name}, without spaces; docs/parameters.md.",
    field: "query",
  });
}

/** As {@link parseTemplate}, with the problems as values. */
export function scanQuery(sql: string): QueryScan {
  const template: QuerySegment[] = [];
  const problems = new Set<string>();
  // The engine would silently ignore all that follows a NUL.
  if (sql.includes("\0")) problems.add("it contains a NUL character");
  if (!isWhole(sql)) problems.add("it contains half a surrogate pair, which UTF-8 cannot hold");

  let textFrom = 0;
  let at = 0;
  while (at < sql.length) {
    const opaqueEnd = endOfOpaque(sql, at);
    if (opaqueEnd > at) {
      at = opaqueEnd;
      continue;
    }
    const mark = matchAt(MARK, sql, at);
    if (mark === null) {
      at += 1;
      continue;
    }
    const [found, name] = mark;
    if (name === undefined) {
      problems.add(`"${found}" is a parameter of the engine itself: write {name}`);
    } else if (found !== `{${name}}`) {
      problems.add(`"${found}" has spaces: write {${name}}`);
    } else {
      if (at > textFrom) template.push({ text: sql.slice(textFrom, at) });
      template.push({ parameter: name });
      textFrom = at + found.length;
    }
    at += found.length;
  }
  if (textFrom < sql.length) template.push({ text: sql.slice(textFrom) });
  return { template, problems: [...problems] };
}

/** The names of the parameters in a template, each once, in order of first mention. */
export function parameterNames(template: QueryTemplate): readonly string[] {
  return places(template).filter((name) => !name.startsWith(STATE_PREFIX));
}

/** The names behind `last.` in a template, each once, in order of first mention. */
export function stateNames(template: QueryTemplate): readonly string[] {
  return places(template).flatMap((name) => (name.startsWith(STATE_PREFIX) ? [name.slice(STATE_PREFIX.length)] : []));
}

/** What stands in a template for the state of this name. No parameter has such a name. */
export function statePlace(name: string): string {
  return STATE_PREFIX + name;
}

const STATE_PREFIX = "last.";

function places(template: QueryTemplate): readonly string[] {
  return [...new Set(template.flatMap((segment) => ("parameter" in segment ? [segment.parameter] : [])))];
}

/** What may stand between the braces, and so what a parameter may be called. */
export const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

// DuckDB's lexer is that of PostgreSQL: every character above ASCII may stand in a word, except the spaces that it turns
// into plain ones first (but not in the tag of a dollar quote). LETTER is what SPACE leaves.
const SPACE = "\\u00a0\\u2000-\\u200b\\u202f\\u205f\\u2060\\u3000\\ufeff";
const LETTER =
  "A-Za-z_\\u0080-\\u009f\\u00a1-\\u1fff\\u200c-\\u202e\\u2030-\\u205e\\u2061-\\u2fff\\u3001-\\ufefe\\uff00-\\uffff";
const WORD = new RegExp(`[${LETTER}][${LETTER}0-9$]*`, "y");
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
// The place of a parameter or of a state, or a parameter of the engine itself.
const MARK = new RegExp(`\\{\\s*((?:last\\.)?[A-Za-z_][A-Za-z0-9_]*)\\s*\\}|\\?|\\$[${LETTER}0-9]+`, "y");
const LINE_COMMENT = /--[^\r\n]*/y;
const COMMENT_MARK = /\/\*|\*\//g;
// An escape string goes on, with its escapes, in the next quotes if a line break and no more than space and `--` comments
// lie between.
const CONTINUATION = new RegExp(
  `[ \\t\\f${SPACE}]*(?:--[^\\r\\n]*)?[\\r\\n](?:[ \\t\\f\\r\\n${SPACE}]|--[^\\r\\n]*[\\r\\n])*'`,
  "y",
);

/** Where the literal, comment, word or quoted identifier that starts here ends; `at` itself if none does. */
function endOfOpaque(sql: string, at: number): number {
  switch (sql[at]) {
    case "'":
      return endOfQuote(sql, at, "'");
    case '"':
      return endOfQuote(sql, at, '"');
    case "$": {
      const tag = matchAt(DOLLAR_TAG, sql, at)?.[0];
      return tag === undefined ? at : endAfter(sql.indexOf(tag, at + tag.length), tag.length, sql);
    }
    case "-":
      return at + (matchAt(LINE_COMMENT, sql, at)?.[0].length ?? 0);
    case "/":
      return sql[at + 1] === "*" ? endOfBlockComment(sql, at) : at;
    case "e":
    case "E":
      return sql[at + 1] === "'" ? endOfEscapeString(sql, at + 1) : endOfWord(sql, at);
    default:
      return endOfWord(sql, at);
  }
}

// One token: the `e` of `name'…'` starts no escape string, and the `$` of `a$b` no parameter.
function endOfWord(sql: string, at: number): number {
  return at + (matchAt(WORD, sql, at)?.[0].length ?? 0);
}

// A doubled quote ends one literal and starts the next at once, which comes to the same.
function endOfQuote(sql: string, at: number, quote: string): number {
  return endAfter(sql.indexOf(quote, at + 1), 1, sql);
}

function endOfEscapeString(sql: string, at: number): number {
  for (let i = at + 1; i < sql.length; i += 1) {
    if (sql[i] === "\\") i += 1;
    else if (sql[i] === "'") {
      if (sql[i + 1] === "'") i += 1;
      else {
        const continuation = matchAt(CONTINUATION, sql, i + 1);
        if (continuation === null) return i + 1;
        i += continuation[0].length;
      }
    }
  }
  return sql.length;
}

// They nest.
function endOfBlockComment(sql: string, at: number): number {
  let depth = 0;
  COMMENT_MARK.lastIndex = at;
  for (let mark = COMMENT_MARK.exec(sql); mark !== null; mark = COMMENT_MARK.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return COMMENT_MARK.lastIndex;
  }
  return sql.length;
}

/** What is never closed goes on to the end; the engine says so in its own words. */
function endAfter(found: number, length: number, sql: string): number {
  return found === -1 ? sql.length : found + length;
}

function matchAt(sticky: RegExp, sql: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(sql);
}
