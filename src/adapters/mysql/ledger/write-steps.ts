import type { LedgerOperations } from "../../sql/ledger/ledger-operations.js";
import { RELATIVE, type Now, type Steps, type Written } from "../../sql/ledger/ledger-rows.js";
import type { Ask } from "./ledger-client.js";
import type { OperationParts } from "./mysql-operations.js";
import { packets } from "./packets.js";
import { CHANGING_NAMES } from "./writing-statements.js";

type Cell = string | number | null;

/** What a row must be like to be as it was written, in the order of `KNOWN_KEY`. */
type Version = readonly [status: Cell, epoch: Cell, lastEventSeq: Cell, expiring: Cell];

export async function writeSteps(
  parts: OperationParts,
  ask: Ask,
  given: Steps,
): ReturnType<LedgerOperations["writeSteps"]> {
  const { statements, largest } = parts;
  const rows = given.seqs.map((seq, at) => [seq, ...changesAt(given, at)]);
  for (const some of packets(rows, largest(), itself)) await ask(statements.writeSteps, { rows: some });
  await insertEvents(parts, ask, eventsOf(given));
  return given.seqs.map((seq, at) => ({ seq, version: JSON.stringify(versionAt(given, at)) }));
}

export async function writeKnown(
  parts: OperationParts,
  ask: Ask,
  given: Steps & { readonly versions: readonly string[] },
): ReturnType<LedgerOperations["writeKnown"]> {
  const { statements, largest } = parts;
  const known = given.seqs.map((seq, at) => {
    const before = JSON.parse(given.versions[at] ?? "[]") as Version;
    return { seq, at, row: [seq, ...before, ...changesAt(given, at)] };
  });
  const written: (Written & Now)[] = [];
  for (const some of packets(known, largest(), ({ row }) => row)) {
    const rows = some.map(({ row }) => row);
    const { affectedRows, insertId: now } = await ask(statements.writeKnown, { rows, relative: RELATIVE });
    if (affectedRows === 0) continue;
    const timed = some.map(({ seq, at }) => ({ seq, version: versionAt(given, at, now) }));
    const areSo = affectedRows === rows.length ? undefined : await seqsAsWritten(parts, ask, timed);
    for (const { seq, version } of timed) {
      if (areSo?.has(seq) !== false) written.push({ seq, now, version: JSON.stringify(version) });
    }
  }
  const times = new Map(written.map(({ seq, now }) => [seq, now]));
  const events = eventsOf(given).flatMap(([run, seq, at, ...rest]) => {
    const now = times.get(Number(run));
    return now === undefined ? [] : [[run ?? null, seq ?? null, Number(at) - RELATIVE + now, ...rest]];
  });
  await insertEvents(parts, ask, events);
  return written;
}

async function seqsAsWritten(
  { statements }: OperationParts,
  ask: Ask,
  timed: readonly { readonly seq: number; readonly version: Version }[],
): Promise<ReadonlySet<number>> {
  const { rows } = await ask(statements.asWritten, { rows: timed.map(({ seq, version }) => [seq, ...version]) });
  return new Set(rows.map(({ seq }) => seq));
}

async function insertEvents(
  { statements, largest }: OperationParts,
  ask: Ask,
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  if (rows.length === 0) return;
  for (const some of packets(rows, largest(), itself)) await ask(statements.insertEvents, { rows: some });
}

function changesAt(given: Steps, at: number): readonly Cell[] {
  return CHANGING_NAMES.map((name) => given[name][at] ?? null);
}

function eventsOf(given: Steps): readonly (readonly Cell[])[] {
  return given.event_runs.map((run, at) => [
    run,
    given.event_seq[at] ?? null,
    given.event_at[at] ?? null,
    given.event_attempt[at] ?? null,
    given.event_body[at] ?? null,
  ]);
}

/** @param now what `RELATIVE` becomes. */
function versionAt(given: Steps, at: number, now = 0): Version {
  const expiring = given.lease_expires_at[at] ?? null;
  const isRelative = expiring !== null && expiring >= RELATIVE;
  return [
    given.status[at] ?? null,
    given.epoch[at] ?? null,
    given.last_event_seq[at] ?? null,
    isRelative ? expiring - RELATIVE + now : expiring,
  ];
}

function itself<T>(row: T): T {
  return row;
}
