import type { LedgerOperations } from "../../sql/ledger/ledger-operations.js";
import type { FullRow, RunRow } from "../../sql/ledger-schema.js";
import { WIDTHS, type Numbered } from "./finding-statements.js";
import { insertRuns } from "./insert-runs.js";
import type { Ask } from "./ledger-client.js";
import { parkedBefore, shortened, shortParked, stripeOf } from "./ledger-place.js";
import { LISTS } from "./reading-statements.js";
import { FIRST, LAST, type ReadyLine, type ReadyLines } from "./ready-lines.js";
import type { Statement } from "./statement.js";
import type { Statements } from "./statements.js";
import { writeKnown, writeSteps } from "./write-steps.js";
import { ENDS } from "./writing-statements.js";

/** What all transactions of a ledger share. */
export interface OperationParts {
  readonly statements: Statements;
  readonly lines: ReadyLines;
  /** How many bytes the server takes in one packet. */
  readonly largest: () => number;
}

/** The transaction in which something is asked. */
export interface Within {
  readonly ask: Ask;
  /** A statement without values. */
  readonly say: (text: string) => Promise<unknown>;
  /** Does something of a few statements; nothing else comes between them. */
  do<T>(work: () => Promise<T>): Promise<T>;
  /** Whether it asks if somebody is in the way, rather than to wait for that. */
  readonly asksFirst: boolean;
  /** Whether it is the host's, of whatever isolation: it may have seen nothing of what others did since it began. */
  readonly isHosts: boolean;
}

/** What a ledger asks of MySQL. */
export function mysqlOperations(parts: OperationParts, within: Within): LedgerOperations {
  const { statements, lines } = parts;
  const { ask } = within;
  const rows = async <Given extends object, Row>(
    statement: Statement<Given, Row>,
    given: Given,
  ): Promise<readonly Row[]> => (await ask(statement, given)).rows;
  /** One statement. */
  const run = <Given extends object, Row>(statement: Statement<Given, Row>, given: Given): Promise<readonly Row[]> =>
    within.do(() => rows(statement, given));

  /** All lines between two, each found from the one before. */
  const linesBetween = async (first: string, to: string) => {
    const found: (ReadyLine & Pick<RunRow, "parked_on">)[] = [];
    for (let from = first; ;) {
      const [next] = await rows(statements.nextLine, { from, to });
      if (!next) return found;
      found.push(next);
      from = next.stands;
    }
  };
  const readyLines = async (): Promise<readonly ReadyLine[]> => {
    const found = await linesBetween(FIRST, LAST);
    lines.learn(found);
    return found;
  };
  const behindGates: LedgerOperations["behindGates"] = async ({ names }) =>
    names.length === 0 ? [] : rows(statements.behindGates, { names });

  return {
    lockRuns: (given) => run(statements.lockRuns, given),
    lockRunsBySeq: (given) => run(statements.lockRunsBySeq, given),
    runById: (given) => run(statements.runById, given),
    runsByKey: ({ keys }) => {
      const shortKeys = keys.map(shortened);
      return run<{ readonly shortKeys: readonly string[] }, FullRow>(
        within.isHosts ? statements.runsByKeyNow : statements.runsByKey,
        { shortKeys },
      );
    },
    takenIds: (given) => run(statements.takenIds, given),

    look: () =>
      within.do(async () => {
        const gaps = lines.gaps();
        const [statement, width] = ofWidth(statements.looks, gaps.length);
        const filled = Array.from({ length: width }, (_, at) => gaps[at] ?? [LAST, LAST]);
        const given = {
          ...numbered(
            "from",
            filled.map(([from]) => from),
          ),
          ...numbered(
            "to",
            filled.map(([, to]) => to),
          ),
        };
        const [looked] = await rows(statement, given);
        const isNew = filled.some((_, at) => typeof looked?.[`found${at}`] === "string");
        if (isNew) await readyLines();
        const { now = 0, overdue = 0, due = 0 } = looked ?? {};
        return { now, overdue: overdue === 1, due: due === 1, lines: lines.connections };
      }),
    overdueRuns: (given) => run(statements.overdueRuns, given),
    wakeRuns: (given) =>
      within.do(async () => {
        const due = await rows(statements.dueRuns, given);
        if (due.length > 0) await ask(statements.makeReady, { seqs: due.map(({ seq }) => seq) });
      }),
    readyLines: () => within.do(readyLines),
    dueLines: (given) => run(statements.dueLines, given),
    readyRuns: ({ lines: asked, limit, except }) =>
      within.do(async () => {
        const found = [];
        for (let at = 0; at < asked.length; at += WIDEST) {
          const some = asked.slice(at, at + WIDEST);
          const [statement, width] = ofWidth(statements.readyRuns, some.length);
          const stands = Array.from({ length: width }, (_, index) => standsOf(some[index]));
          found.push(...(await rows(statement, { ...numbered("line", stands), limit, except })));
        }
        return found;
      }),
    expiredLeases: () => run(statements.expiredLeases, {}),

    lockGates: ({ names }) => run(statements.lockGates, { stripes: stripesOf(names) }),
    tryGates: ({ names }) =>
      within.do(async () => {
        const taken = new Set(
          (await rows(statements.tryGates, { stripes: stripesOf(names) })).map((row) => row.stripe),
        );
        return names.map((name) => ({ name, held: taken.has(stripeOf(name)) }));
      }),
    behindGates: (given) => within.do(() => behindGates(given)),
    park: ({ seqs, lines: parked }) =>
      within.do(() =>
        ask(statements.park, {
          rows: seqs.map((seq, at) => {
            const line = parked[at] ?? "";
            return [seq, line, shortParked(gateBefore(line), line)];
          }),
        }),
      ),
    callParked: ({ names, counts, behind }) =>
      within.do(async () => {
        const uncounted = names.filter((_, at) => behind[at] === null);
        const counted = new Map((await behindGates({ names: uncounted })).map((row) => [row.name, row.behind]));
        const called: number[] = [];
        for (const [at, name] of names.entries()) {
          const isBehind = behind[at] ?? counted.get(name) ?? 0;
          const before = `p${parkedBefore(name)}`;
          for (const { stands, parked_on: line } of await linesBetween(before, `${before}~`)) {
            if (isBehind >= limitOf(line)) continue;
            const first = await rows(statements.parkedRuns, { stands, limit: counts[at] ?? 0 });
            called.push(...first.map(({ seq }) => seq));
          }
        }
        if (called.length > 0) await ask(statements.makeReady, { seqs: called });
        return called;
      }),

    insertRuns: (given) => within.do(() => insertRuns(parts, within, given)),
    writeSteps: (given) => within.do(() => writeSteps(parts, ask, given)),
    writeKnown: (given) => within.do(() => writeKnown(parts, ask, given)),

    cancelRequests: (given) => run(statements.cancelRequests, given),
    nextDue: () =>
      within.do(async () => {
        const [next] = await rows(statements.nextDue, {});
        const times = [next?.run_at, next?.start_deadline].filter((time) => typeof time === "number");
        return [{ at: times.length > 0 ? Math.min(...times) : null }];
      }),
    page: (given) => run(statements.page, given),
    pageOfListed: ({ listed, ...given }) =>
      run(statements.pageOfListed, { ...given, ...padded("listed", listed, LISTS) }),
    pageOfJobListed: ({ listed, ...given }) =>
      run(statements.pageOfJobListed, { ...given, ...padded("listed", listed, LISTS) }),
    events: (given) => run(statements.events, given),

    prune: ({ statuses, olderThanMs, limit }) =>
      within.do(async () => {
        const ends = await rows(statements.oldEnds, { olderThanMs, limit, ...padded("ended", statuses, ENDS) });
        const oldest = [...ends]
          .sort((left, right) => left.finished_at - right.finished_at || left.seq - right.seq)
          .slice(0, limit);
        const seqs = oldest.map(({ seq }) => seq);
        if (seqs.length === 0) return [];
        for (const statement of [statements.deleteEvents, statements.deleteDefinitions, statements.deleteRuns]) {
          await ask(statement, { seqs });
        }
        return oldest;
      }),
  };
}

const WIDEST = Math.max(...WIDTHS);

/** Equal to no text that an index holds in this place. */
const NO_LINE = "";

function standsOf(connections: string | undefined): string {
  return connections === undefined ? NO_LINE : `${FIRST}${shortened(connections)}`;
}

function ofWidth<S>(statements: readonly S[], length: number): readonly [statement: S, width: number] {
  const at = Math.max(
    0,
    WIDTHS.findIndex((width) => width >= length),
  );
  const [statement, width] = [statements[at], WIDTHS[at]];
  if (!statement || width === undefined) throw new RangeError(`There is no statement for ${length} parts.`);
  return [statement, width];
}

function numbered<Name extends string>(name: Name, values: readonly string[]): Numbered<Name> {
  return Object.fromEntries(values.map((value, at) => [`${name}${at}`, value])) as Numbered<Name>;
}

/** Texts that nothing is equal to fill what is left. */
function padded<Name extends string>(name: Name, values: readonly string[], length: number): Numbered<Name> {
  return numbered(
    name,
    Array.from({ length }, (_, at) => values[at] ?? NO_LINE),
  );
}

function stripesOf(gates: readonly string[]): readonly number[] {
  return [...new Set(gates.map(stripeOf))].sort((left, right) => left - right);
}

// The line of `parkedLine`: a gate's name, as JSON, comes first.
function gateBefore(line: string): string {
  const [name] = JSON.parse(line) as [string];
  return JSON.stringify(name);
}

function limitOf(line: string | null): number {
  const [, limit] = JSON.parse(line ?? "[null, 0]") as [unknown, number];
  return limit;
}
