/** Of DuckDB's own list: columns of types that no query may yield. */
const NO_COLUMNS = ["geometry"];

/**
 * A query of every type of DuckDB's own list, `test_all_types()`, with the ends of its range, and of what that list leaves
 * out. What no system takes by the list's own ends has others in rows of their own.
 */
export const DUCKDB_SAMPLES = `
  with listed as (select row_number() over () as n, * exclude (${NO_COLUMNS.join(", ")}) from test_all_types())
  from listed
  union all by name select 4 as n,
    date '0001-01-01' as date, timestamp '0001-01-01' as timestamp, '0001-01-01'::timestamp_s as timestamp_s,
    '0001-01-01 00:00:00.001'::timestamp_ms as timestamp_ms, timestamptz '1970-01-01 00:00:01+00' as timestamp_tz,
    '' as varchar, ''::blob as blob, '1'::bit as bit, 'nan'::float as float, 'nan'::double as double,
    time '23:59:59.999999' as time, interval '-1 month 2 days 00:00:00.000001' as interval,
    '{"b": 1, "a": [1.0, 1e400], "b": 2}'::json as json, time_ns '23:59:59.999999999' as time_ns
  union all by name select 5 as n,
    date '9999-12-31' as date, timestamp '9999-12-31 23:59:59.999999' as timestamp,
    '9999-12-31 23:59:59'::timestamp_s as timestamp_s, '9999-12-31 23:59:59.999'::timestamp_ms as timestamp_ms,
    timestamptz '2038-01-19 03:14:07.999999+00' as timestamp_tz, ' ' || chr(9) || chr(10) || chr(13) || '\\N "''' as varchar,
    '-0'::float as float, '-0'::double as double, 'null'::json as json
  union all by name select 6 as n,
    'infinity'::date as date, '-infinity'::timestamp as timestamp, 'infinity'::timestamptz as timestamp_tz,
    '1e-45'::float as float, '5e-324'::double as double, 'infinity'::timestamp_s as timestamp_s, '🦆é漢字' as varchar
  union all by name select 7 as n, '-inf'::float as float, 'inf'::double as double`;
