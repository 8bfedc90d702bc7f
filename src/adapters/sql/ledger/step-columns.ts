import type { RunStep } from "../../../model/run-record.js";
import type { EventRow, RunRow } from "../ledger-schema.js";
import { eventRowOf, stepRowOf } from "../run-rows.js";
import { CHANGING, type Changing, type Columns, type Steps } from "./ledger-rows.js";

/** A step of a run, and where the run is stored. */
export interface StoredStep {
  readonly seq: number;
  readonly step: RunStep;
}

/** Steps as the statement takes them. */
export function stepColumns(steps: readonly StoredStep[], now: number): Steps {
  const rows = steps.map(({ step }) => stepRowOf(step.record, now));
  const events = steps.flatMap(({ seq, step }) => step.events.map((event) => eventRowOf(event, seq)));
  return {
    ...columnsOf<RunRow, Changing>(rows, CHANGING_NAMES),
    seqs: steps.map(({ seq }) => seq),
    event_runs: events.map(({ run_seq: run }) => run),
    event_seq: columnOf(events, "seq"),
    event_at: columnOf(events, "at"),
    event_attempt: columnOf(events, "attempt"),
    event_body: columnOf(events, "body"),
  };
}

/** Rows, column by column. */
export function columnsOf<Row, C extends keyof Row>(
  rows: readonly Pick<Row, C>[],
  names: readonly C[],
): Columns<Row, C> {
  const columns: { [K in C]?: Row[K][] } = {};
  for (const name of names) columns[name] = rows.map((row) => row[name]);
  // Every name has its values now.
  return columns as Columns<Row, C>;
}

const CHANGING_NAMES = Object.keys(CHANGING) as Changing[];

function columnOf<C extends keyof EventRow>(events: readonly EventRow[], name: C): EventRow[C][] {
  return events.map((event) => event[name]);
}
