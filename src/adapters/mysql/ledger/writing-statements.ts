import { CHANGING, SUBMITTED, type Changing } from "../../sql/ledger/ledger-rows.js";
import { WIDTHS, type Numbered } from "./finding-statements.js";
import type { StatementParts } from "./statement-parts.js";
import { TEXT } from "./statement.js";

export interface Rows {
  readonly rows: readonly (readonly (string | number | null)[])[];
}

export const SUBMITTED_NAMES = Object.keys(SUBMITTED) as (keyof typeof SUBMITTED)[];
export const RUN_COLUMNS_GIVEN = [...SUBMITTED_NAMES, "short_key", "short_line"] as const;
export const CHANGING_NAMES = Object.keys(CHANGING) as Changing[];

/** What the rows of steps hold beside what changes: of which run; and what it must be like still. */
const STEP_KEY = { run_seq: "bigint" };
const KNOWN_KEY = {
  ...STEP_KEY,
  was_status: TEXT,
  was_epoch: "bigint",
  was_event_seq: "bigint",
  was_expiring: "bigint",
};

/** How many kinds of ends there are. */
export const ENDS = 3;

/** What adds, changes and deletes runs. */
export function writingStatements(parts: StatementParts) {
  const { sql, define, columns, runs, bySeq, byId, definitions, events, announcements, began } = parts;
  const changing = typesOf(CHANGING);
  const set = (of: string): ReturnType<typeof columns> =>
    sql.join([
      ...CHANGING_NAMES.map((name) => sql`r.${sql.ref(name)} = ${sql.ref(`${of}.${name}`)}`),
      sql`r.short_parked = null`,
    ]);
  const ended = Array.from({ length: ENDS }, (_, at) => at);

  return {
    /**
     * By how many runs they insert. Not from JSON as the others: for what it selects a server may lock the whole table until
     * the statement ends, since it cannot know how many numbers it will need.
     */
    insertRuns: new Map(
      WIDTHS.map((width) => [
        width,
        once(() =>
          define<Readonly<Record<string, string | number | null>>>(({ one }) => {
            const row = (at: number): ReturnType<typeof columns> =>
              sql`(${sql.join(RUN_COLUMNS_GIVEN.map((name) => one(`${name}${at}`)))}, 'pending', 'pending', 0, 0,
                case when ${one(`run_at${at}`)} > ${began} then 'waiting' else 'ready' end, ${began}, 0, 1)`;
            return sql`insert into ${runs} (${columns(RUN_COLUMNS_GIVEN)},
                status, listed_as, attempt, recoveries, queue, created_at, epoch, last_event_seq)
              values ${sql.join(Array.from({ length: width }, (_, at) => row(at)))}`;
          }),
        ),
      ]),
    ),
    /** Tells in passing when the runs were made. */
    insertDefinitions: define<Rows>(
      ({ rows }) => sql`insert into ${definitions} (run_seq, definition, parameters)
        select straight_join r.seq, g.definition, g.parameters
        from ${rows("rows", { id: TEXT, definition: TEXT, parameters: TEXT }, "g")}
          straight_join ${byId} on r.id = g.id
        where last_insert_id(r.created_at) is not null`,
    ),
    insertFirstEvents: define<Rows>(
      ({ rows }) => sql`insert into ${events} (run_seq, seq, at, attempt, body)
        select straight_join r.seq, 1, r.created_at, 0, g.body
        from ${rows("rows", { id: TEXT, body: TEXT }, "g")} straight_join ${byId} on r.id = g.id`,
    ),
    writeSteps: define<Rows>(
      ({ rows }) => sql`update ${rows("rows", { ...STEP_KEY, ...changing }, "g")}
          straight_join ${bySeq} on r.seq = g.run_seq
        set ${set("g")}`,
    ),
    /** Of runs that are as they were. Tells in passing what time it is. */
    writeKnown: define<Rows & { readonly relative: number }>(({ one, rows }) => {
      const timed = (name: string): ReturnType<typeof columns> => {
        const given = sql.ref(`g.${name}`);
        return sql`case when ${given} >= ${one("relative")} then ${given} - ${one("relative")} + ${began} else ${given} end`;
      };
      const values = CHANGING_NAMES.map(
        (name) => sql`r.${sql.ref(name)} = ${RELATIVE_TIMES.has(name) ? timed(name) : sql.ref(`g.${name}`)}`,
      );
      return sql`update ${rows("rows", { ...KNOWN_KEY, ...changing }, "g")}
          straight_join ${bySeq} on r.seq = g.run_seq
        set ${sql.join(values)}, r.short_parked = null
        where r.status = g.was_status and r.epoch = g.was_epoch and r.last_event_seq = g.was_event_seq
          and r.lease_expires_at = g.was_expiring and last_insert_id(${began}) is not null`;
    }),
    /** Of these runs, those that are so now. */
    asWritten: define<Rows, { readonly seq: number }>(
      ({ rows }) => sql`select straight_join r.seq from ${rows("rows", KNOWN_KEY, "g")}
        straight_join ${bySeq} on r.seq = g.run_seq
        where r.status = g.was_status and r.epoch = g.was_epoch and r.last_event_seq = g.was_event_seq
          and r.lease_expires_at <=> g.was_expiring`,
    ),
    insertEvents: define<Rows>(
      ({ rows }) => sql`insert into ${events} (run_seq, seq, at, attempt, body)
        select run_seq, seq, at, attempt, body
        from ${rows("rows", { run_seq: "bigint", seq: "bigint", at: "bigint", attempt: "bigint", body: TEXT }, "g")}`,
    ),

    makeReady: define<{ readonly seqs: readonly number[] }>(
      ({ list }) => sql`update ${list("seqs", "bigint", "g")} straight_join ${bySeq} on r.seq = g.value
        set r.queue = 'ready', r.parked_on = null, r.short_parked = null`,
    ),
    park: define<Rows>(
      ({ rows }) => sql`update ${rows("rows", { ...STEP_KEY, line: TEXT, short: TEXT }, "g")}
          straight_join ${bySeq} on r.seq = g.run_seq
        set r.queue = 'parked', r.parked_on = g.line, r.short_parked = g.short`,
    ),

    /** The oldest ends of each kind; what others have locked they delete. */
    oldEnds: define<
      { readonly olderThanMs: number; readonly limit: number } & Numbered<"ended">,
      { readonly seq: number; readonly finished_at: number }
    >(({ one }) =>
      sql.join(
        ended.map(
          (at) => sql`(select r.seq, r.finished_at from ${runs} r force index (finished)
            where r.listed_as = ${one(`ended${at}`)} and r.finished_at < ${began} - ${one("olderThanMs")}
              and not exists (select 1 from ${runs} redriven where redriven.id = r.redrive_of)
            order by r.finished_at, r.seq limit ${one("limit")} for update skip locked)`,
        ),
        sql` union all `,
      ),
    ),
    deleteEvents: define<{ readonly seqs: readonly number[] }>(
      ({ list }) =>
        sql`delete e from ${list("seqs", "bigint", "g")} straight_join ${events} e force index (primary) on e.run_seq = g.value`,
    ),
    deleteDefinitions: define<{ readonly seqs: readonly number[] }>(
      ({ list }) =>
        sql`delete d from ${list("seqs", "bigint", "g")} straight_join ${definitions} d force index (primary) on d.run_seq = g.value`,
    ),
    deleteRuns: define<{ readonly seqs: readonly number[] }>(
      ({ list }) => sql`delete r from ${list("seqs", "bigint", "g")} straight_join ${bySeq} on r.seq = g.value`,
    ),

    announce: define<{ readonly own: string; readonly number: number; readonly payload: string }>(
      ({ one }) => sql`replace into ${announcements} (origin, number, said_at, payload)
        values (${one("own")}, ${one("number")}, ${began}, ${one("payload")})`,
    ),
    /** Forgets processes that said nothing for so long, or one. */
    forget: define<{ readonly own: string; readonly olderThanMs: number }>(
      ({ one }) => sql`delete from ${announcements}
        where origin = ${one("own")} or said_at < ${began} - ${one("olderThanMs")}`,
    ),
  };
}

const RELATIVE_TIMES: ReadonlySet<string> = new Set(["run_at", "finished_at", "lease_expires_at"]);

const TYPES: Readonly<Record<string, string>> = { text: TEXT, "double precision": "double" };

function typesOf(columns: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, TYPES[type] ?? type]));
}

/** Compiled when it is first needed: a wide one takes a while. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
