/** What values are read as that have no place of their own elsewhere. */
export interface MysqlReadOptions {
  /** Dates without a year, a month or a day, such as `0000-00-00`: refused by name, or read as null. Default `"refuse"`. */
  readonly zeroDates?: "refuse" | "null";
  /** TINYINT(1), which some programs use for booleans; as such it may hold nothing but 0 and 1. Default `"integer"`. */
  readonly tinyint1?: "integer" | "boolean";
  /**
   * TIME, which is a time of day or a span of up to 838 hours either way: as a time of day it may hold nothing but 00:00:00 to
   * 24:00:00. Default `"time"`.
   */
  readonly time?: "time" | "interval";
}
