/**
 * Text that every database compares as JavaScript does: unit by unit, with its case and the spaces at its end. Whatever is in
 * it can be stored, NUL and lone surrogates too, which Postgres and UTF-8 do not take. Plain ASCII stays as it is.
 */
export function sortableText(text: string): string {
  return text.replace(SPECIAL, escaped);
}

/** What sorts right behind a text: nothing lies between the two. */
export function textAfter(text: string): string {
  return sortableText(`${text}\0`);
}

/** Code units that are not printable ASCII; and `~`, which begins those that sort behind it. */
const SPECIAL = /[^ -}]/g;

// A unit begins with what sorts before, or behind, every plain one, and has as many characters as all others of its kind.
function escaped(unit: string): string {
  const code = unit.charCodeAt(0);
  return code < FIRST_PLAIN ? `\u0001${hex(code, 2)}` : `~${hex(code, 4)}`;
}

const FIRST_PLAIN = 0x20;

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
