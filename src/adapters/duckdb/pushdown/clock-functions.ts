/** The time of the transaction, in an expression that the planner does not compute. */
const NOW = "make_timestamptz(system.main.epoch_us(system.main.now()) + cast(system.main.random() as bigint))";

/**
 * Puts functions in the place of those that read the clock, of the same types, which no planner computes.
 *
 * DuckDB turns `now()` into a constant when it plans. What is planned before a run has an earlier time in it than the run:
 * a filter with that time would leave out rows that the run wants. `localtime` and the like are spellings of these.
 */
export const HIDE_THE_CLOCK = [
  ...["now", "transaction_timestamp", "get_current_timestamp"].map((name) => `create macro ${name}() as ${NOW}`),
  ...["today", "current_date"].map((name) => `create macro ${name}() as cast(${NOW} as date)`),
  `create macro get_current_time() as cast(${NOW} as time with time zone)`,
  `create macro current_localtime() as cast(cast(${NOW} as timestamp) as time)`,
  `create macro current_localtimestamp() as cast(${NOW} as timestamp)`,
  `create macro age(since) as system.main.age(cast(cast(${NOW} as date) as timestamp), since), (till, since) as system.main.age(till, since)`,
].join(";");
