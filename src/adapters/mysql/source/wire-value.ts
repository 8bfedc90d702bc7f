import type { NativeType } from "../native-type.js";

/** What the server says of a column before its rows. The numbers are those of the protocol. */
export interface WireField {
  readonly name: string;
  readonly columnType: number;
  readonly flags: number;
}

const UNSIGNED = 0x20;

/** By the name of a column's type. https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html */
const FIXED: Readonly<Record<string, number>> = {
  tinyint: 1,
  smallint: 2,
  int: 3,
  float: 4,
  double: 5,
  timestamp: 7,
  bigint: 8,
  mediumint: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
};

const NUMBERS_WITH_SIGNS = new Set([1, 2, 3, 8, 9]);

/** Whether values of this field come in the form in which the column's are read: texts are one form. */
export function comesAs({ name, unsigned }: NativeType, { columnType, flags }: WireField): boolean {
  const expected = FIXED[name];
  if (expected === undefined) return !Object.values(FIXED).includes(columnType);
  if (columnType !== expected) return false;
  return !NUMBERS_WITH_SIGNS.has(expected) || ((flags & UNSIGNED) !== 0) === unsigned;
}
