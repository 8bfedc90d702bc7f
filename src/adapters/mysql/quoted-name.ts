/** A name as MySQL reads it: the place where a name becomes part of SQL text. */
export function quotedName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

const MOST_CHARACTERS = 64;

/** Whether a database, a table or a column can have this name: no more than 64 characters, all of the basic plane. */
export function canBeName(name: string): boolean {
  return name.length > 0 && name.length <= MOST_CHARACTERS && !/[\0\ud800-\udfff]| $/.test(name);
}
