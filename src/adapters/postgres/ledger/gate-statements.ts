import type { RawBuilder } from "kysely";
import type { GateCallColumns } from "../../sql/ledger/run-gates.js";
import type { StatementParts } from "./statement-parts.js";
import type { Now } from "../../sql/ledger/ledger-rows.js";

export interface Gates {
  readonly channel: string;
  /** As the rows hold them: JSON text. */
  readonly names: readonly string[];
}

/** What concerns the gates that runs are behind, or parked before. */
export function gateStatements({ sql, define, runs, clock }: StatementParts) {
  const behind = (gate: "job_gate" | "key_gate", name: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`(select count(*) from ${runs} where lease_owner is not null and ${sql.ref(gate)} = ${name})`;

  return {
    /** Waits for gates, always in one order. */
    lockGates: define<Gates, object>(
      (value) => sql`select pg_advisory_xact_lock(key) from (
          select distinct hashtextextended(${value("channel", "text")} || name, 0) as key
          from unnest(${value("names", "text[]")}) as g(name) order by key offset 0) k`,
    ),
    /** Takes the gates that are free now. */
    tryGates: define<Gates, { readonly name: string; readonly held: boolean }>(
      (
        value,
      ) => sql`select name, pg_try_advisory_xact_lock(hashtextextended(${value("channel", "text")} || name, 0)) as held
        from unnest(${value("names", "text[]")}) as g(name)`,
    ),
    /** How many runs are behind each gate. */
    behindGates: define<Pick<Gates, "names">, Now & { readonly name: string; readonly behind: number }>(
      (
        value,
      ) => sql`select name, ${behind("job_gate", sql.ref("g.name"))} + ${behind("key_gate", sql.ref("g.name"))} as behind,
          ${clock} as now
        from unnest(${value("names", "text[]")}) as g(name)`,
    ),
    park: define<{ readonly seqs: readonly number[]; readonly lines: readonly string[] }, object>(
      (value) => sql`update ${runs} r set queue = 'parked', parked_on = p.line
        from unnest(${value("seqs", "bigint[]")}, ${value("lines", "text[]")}) as p(seq, line) where r.seq = p.seq`,
    ),
    /**
     * Of each line before these gates whose runs have room there, makes the first ones ready again, so many as left; gives
     * one row for each.
     */
    callParked: define<GateCallColumns, object>((value) => {
      const first = sql`select parked_on from ${runs} where queue = 'parked' and parked_on`;
      return sql`with recursive gate as materialized (
          select start, "end", count,
            coalesce(behind, ${behind("job_gate", sql.ref("g.name"))} + ${behind("key_gate", sql.ref("g.name"))}) as behind
          from unnest(${value("names", "text[]")}, ${value("starts", "text[]")}, ${value("ends", "text[]")},
            ${value("counts", "bigint[]")}, ${value("behind", "bigint[]")}) as g(name, start, "end", count, behind)),
        line("end", count, behind, parked_on) as (
          select "end", count, behind, (${first} >= gate.start order by parked_on limit 1) from gate
          union all
          select "end", count, behind, (${first} > line.parked_on order by parked_on limit 1)
          from line where line.parked_on < line."end")
        update ${runs} r set queue = 'ready', parked_on = null
        from line cross join lateral (
          select seq from ${runs} where queue = 'parked' and parked_on = line.parked_on
          order by priority desc, seq limit line.count for update) p
        where line.parked_on < line."end" and line.behind < (line.parked_on::json ->> 1)::bigint and r.seq = p.seq
        returning r.seq`;
    }),
  };
}
