import type { RawBuilder } from "kysely";
import type { Now, TimedRow } from "../../sql/ledger/ledger-rows.js";
import type { FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { StatementParts } from "./statement-parts.js";
import { TEXT, type Statement, type Values } from "./statement.js";

export interface ListedRuns {
  readonly limit: number;
  readonly except: readonly number[];
}

/** A value of a numbered place, for statements that hold the same part several times. */
export type Numbered<Name extends string> = Readonly<Record<`${Name}${number}`, string>>;

/** How often a part may stand in a statement: few texts, of which a server prepares each once for a connection. */
export const WIDTHS = [1, 4, 16, 64] as const;

/** What finds and locks the runs that acts are about. */
export function findingStatements(parts: StatementParts) {
  const { sql, define, runs, bySeq, byId, byKey, gates, began, reached, full, fullNow } = parts;
  const each = (width: number, part: (index: number) => RawBuilder<unknown>, between: RawBuilder<unknown>) =>
    sql.join(
      Array.from({ length: width }, (_, index) => part(index)),
      between,
    );
  const byWidth = <Given extends object, Row>(
    build: (width: number) => (values: Values<Given>) => RawBuilder<unknown>,
  ): readonly Statement<Given, Row>[] => WIDTHS.map((width) => define<Given, Row>(build(width)));
  const notExcepted = (values: Values<ListedRuns>): RawBuilder<unknown> =>
    sql`seq not in (select value from ${values.list("except", "bigint", "x")})`;

  return {
    lockRuns: define<{ readonly ids: readonly string[] }, TimedRow>(
      ({ list }) => sql`select straight_join ${full}, ${reached} as now
        from ${list("ids", TEXT, "i")} straight_join ${byId} on r.id = i.value for update`,
    ),
    lockRunsBySeq: define<{ readonly seqs: readonly number[] }, TimedRow>(
      ({ list }) => sql`select straight_join ${full}, ${reached} as now
        from ${list("seqs", "bigint", "i")} straight_join ${bySeq} on r.seq = i.value
        where lease_owner is not null for update skip locked`,
    ),
    runById: define<{ readonly id: string }, FullRow>(
      ({ one }) => sql`select ${full} from ${runs} r where id = ${one("id")}`,
    ),
    runsByKey: define<{ readonly shortKeys: readonly string[] }, FullRow>(
      ({ list }) => sql`select straight_join ${full}
        from ${list("shortKeys", TEXT, "k")} straight_join ${byKey} on r.short_key = k.value`,
    ),
    /** As the one before, of what is committed now, whatever this transaction saw before. Waits. */
    runsByKeyNow: define<{ readonly shortKeys: readonly string[] }, FullRow>(
      ({ list }) => sql`select straight_join ${fullNow}
        from ${list("shortKeys", TEXT, "k")} straight_join ${byKey} on r.short_key = k.value
        lock in share mode`,
    ),
    takenIds: define<{ readonly ids: readonly string[] }, Pick<RunRow, "id">>(
      ({ list }) => sql`select straight_join r.id
        from ${list("ids", TEXT, "i")} straight_join ${byId} on r.id = i.value lock in share mode`,
    ),
    /** Fails when somebody else holds one of these runs, which may not be committed yet. */
    probeIds: define<{ readonly ids: readonly string[] }, object>(
      ({ list }) => sql`select straight_join r.seq
        from ${list("ids", TEXT, "i")} straight_join ${byId} on r.id = i.value for update nowait`,
    ),
    probeKeys: define<{ readonly shortKeys: readonly string[] }, object>(
      ({ list }) => sql`select straight_join r.seq
        from ${list("shortKeys", TEXT, "k")} straight_join ${byKey} on r.short_key = k.value for update nowait`,
    ),

    /**
     * What time it is, whether runs are overdue or due, and the first line in each gap between the lines that are known: a
     * seek for each, where all lines that are there would be a walk over all ready runs.
     */
    looks: byWidth<
      Numbered<"from" | "to">,
      Now & { readonly overdue: number; readonly due: number } & Readonly<Record<`found${number}`, string | null>>
    >(
      (width) =>
        ({ one }) =>
          sql`select ${began} as now,
            exists (select 1 from ${runs} force index (deadline) where deadline_at < ${began}) as overdue,
            exists (select 1 from ${runs} force index (waiting) where waiting_at <= ${began}) as due,
            ${each(
              width,
              (at) => sql`(select stands from ${runs} force index (stands)
                where stands > ${one(`from${at}`)} and stands < ${one(`to${at}`)} order by stands limit 1)
                as ${sql.ref(`found${at}`)}`,
              sql`, `,
            )}`,
    ),
    /** The first line between two. */
    nextLine: define<
      { readonly from: string; readonly to: string },
      Pick<RunRow, "connections" | "parked_on"> & { readonly stands: string }
    >(
      ({ one }) => sql`select stands, connections, parked_on from ${runs} force index (stands)
        where stands > ${one("from")} and stands < ${one("to")} order by stands limit 1`,
    ),
    overdueRuns: define<ListedRuns & { readonly before: number }, TimedRow>(
      (values) => sql`select ${full}, ${reached} as now from ${runs} r force index (deadline)
        where deadline_at < ${values.one("before")} and ${notExcepted(values)}
        order by deadline_at, seq limit ${values.one("limit")} for update skip locked`,
    ),
    dueRuns: define<Now & { readonly limit: number }, Pick<RunRow, "seq">>(
      ({ one }) => sql`select seq from ${runs} force index (waiting) where waiting_at <= ${one("now")}
        order by waiting_at, priority desc, seq limit ${one("limit")} for update skip locked`,
    ),
    dueLines: define<{ readonly limit: number }, Pick<RunRow, "connections">>(
      ({ one }) => sql`select distinct connections from (
          select connections from ${runs} force index (waiting) where waiting_at <= ${began}
          order by waiting_at limit ${one("limit")}) due`,
    ),
    readyRuns: byWidth<ListedRuns & Numbered<"line">, TimedRow>(
      (width) => (values) =>
        each(
          width,
          (at) => sql`(select ${full}, ${reached} as now from ${runs} r force index (stands)
            where stands = ${values.one(`line${at}`)} and ${notExcepted(values)}
            order by priority desc, seq limit ${values.one("limit")} for update skip locked)`,
          sql` union all `,
        ),
    ),
    parkedRuns: define<{ readonly stands: string; readonly limit: number }, Pick<RunRow, "seq">>(
      ({ one }) => sql`select seq from ${runs} force index (stands) where stands = ${one("stands")}
        order by priority desc, seq limit ${one("limit")} for update`,
    ),
    expiredLeases: define<object, Pick<RunRow, "seq" | "connections">>(
      () => sql`select seq, connections from ${runs} force index (active)
        where lease_owner is not null and lease_expires_at <= ${began}`,
    ),

    /** Waits for stripes, in the order given. */
    lockGates: define<{ readonly stripes: readonly number[] }, object>(
      ({ list }) => sql`select straight_join g.stripe
        from ${list("stripes", "int", "i")} straight_join ${gates} g force index (primary) on g.stripe = i.value for update`,
    ),
    /** Takes the stripes that are free now. */
    tryGates: define<{ readonly stripes: readonly number[] }, { readonly stripe: number }>(
      ({ list }) => sql`select straight_join g.stripe
        from ${list("stripes", "int", "i")} straight_join ${gates} g force index (primary) on g.stripe = i.value for update skip locked`,
    ),
    /** How many runs are behind each gate. Those under way are few. */
    behindGates: define<
      { readonly names: readonly string[] },
      Now & { readonly name: string; readonly behind: number }
    >(
      ({ list }) => sql`select cast(g.value as binary) as name, (
          select count(*) from ${runs} force index (active)
          where lease_owner is not null and (job_gate = g.value or key_gate = g.value)) as behind,
          ${began} as now
        from ${list("names", TEXT, "g")}`,
    ),
  };
}
