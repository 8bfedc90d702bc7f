import { JobError } from "../../../model/job-error.js";
import type { LedgerOperations } from "../../sql/ledger/ledger-operations.js";
import type { Now, Submissions } from "../../sql/ledger/ledger-rows.js";
import type { RunRow } from "../../sql/ledger-schema.js";
import { LONGEST_KEY, shortened } from "./ledger-place.js";
import { isTaken } from "./mysql-failure.js";
import type { OperationParts, Within } from "./mysql-operations.js";
import { packets } from "./packets.js";
import type { Ask } from "./ledger-client.js";
import type { Statements } from "./statements.js";
import { RUN_COLUMNS_GIVEN, SUBMITTED_NAMES } from "./writing-statements.js";

/** What is looked up, and therefore has a longest length. */
const KEYS = ["id", "job_name", "definition_hash", "redrive_of"] as const;

/** Runs, their definitions and first events, in the order given; those whose key is known are left out. */
export async function insertRuns(
  parts: OperationParts,
  within: Within,
  given: Submissions,
): ReturnType<LedgerOperations["insertRuns"]> {
  const keys = given.idempotency_key;
  const shortKeys = keys.map((key) => key && shortened(key));
  refuseLongKeys(given);
  // On the host's connection what is not there is not looked for: where its isolation is the default one, nobody could store
  // anything beside it until the host commits.
  let known = within.isHosts ? new Set<string>() : await knownKeys(parts, within, shortKeys);
  for (;;) {
    // Of runs with one key the first is stored.
    const left = given.id.flatMap((_, at) => {
      const key = shortKeys[at] ?? null;
      return key !== null && (known.has(key) || shortKeys.indexOf(key) < at) ? [] : [at];
    });
    // What was inserted before it failed is taken back, to be inserted again.
    const mayTryAgain = shortKeys.some((key) => key !== null);
    if (mayTryAgain) await within.say("savepoint millrace_insert");
    try {
      return await insert(parts, within, given, shortKeys, left);
    } catch (error) {
      if (!mayTryAgain || !isTaken(error)) throw error;
      await within.say("rollback to savepoint millrace_insert");
      // A key is one that somebody stored since it was looked for; an id that is there, or given twice, is not to be stored.
      const before = known.size;
      known = await knownKeys(parts, within, shortKeys);
      if (known.size === before) throw error;
    }
  }
}

async function knownKeys(
  { statements }: OperationParts,
  { ask, isHosts }: Within,
  shortKeys: readonly (string | null)[],
): Promise<ReadonlySet<string>> {
  const asked = { shortKeys: shortKeys.filter((key) => key !== null) };
  if (asked.shortKeys.length === 0) return new Set();
  const { rows } = await ask(isHosts ? statements.runsByKeyNow : statements.runsByKey, asked);
  const known = new Set(rows.map(({ idempotency_key: key }) => shortened(key ?? "")));
  const unknown = asked.shortKeys.filter((key) => !known.has(key));
  // Whoever is about to store one of them is not waited for in the database, where that would hold up others.
  if (!isHosts && unknown.length > 0) await ask(statements.probeKeys, { shortKeys: unknown });
  return known;
}

async function insert(
  { statements, largest }: OperationParts,
  { ask, asksFirst }: Within,
  given: Submissions,
  shortKeys: readonly (string | null)[],
  indexes: readonly number[],
): Promise<readonly (Now & Pick<RunRow, "id">)[]> {
  if (indexes.length === 0) return [];
  if (asksFirst) await ask(statements.probeIds, { ids: indexes.map((at) => given.id[at] ?? "") });
  const rows = indexes.map((at) => {
    const id = given.id[at] ?? "";
    const submitted = SUBMITTED_NAMES.map((name) => given[name][at] ?? null);
    return {
      id,
      run: [...submitted, shortKeys[at] ?? null, shortened(given.connections[at] ?? "")],
      definition: [id, given.definition[at] ?? null, given.parameters[at] ?? null],
      event: [id, given.body[at] ?? null],
    };
  });
  const made: (Now & Pick<RunRow, "id">)[] = [];
  for (const some of packets(rows, largest(), ({ run, definition }) => [...run, ...definition])) {
    await insertRows(
      statements.insertRuns,
      ask,
      some.map(({ run }) => run),
    );
    const { insertId: now } = await ask(statements.insertDefinitions, { rows: some.map((row) => row.definition) });
    await ask(statements.insertFirstEvents, { rows: some.map(({ event }) => event) });
    made.push(...some.map(({ id }) => ({ id, now })));
  }
  return made;
}

async function insertRows(
  statements: Statements["insertRuns"],
  ask: Ask,
  rows: readonly (readonly (string | number | null)[])[],
): Promise<void> {
  let at = 0;
  // The widest first that is not wider than what is left.
  for (const [width, statement] of [...statements].reverse()) {
    for (; rows.length - at >= width; at += width) {
      const cells = rows
        .slice(at, at + width)
        .flatMap((row, index) =>
          RUN_COLUMNS_GIVEN.map((name, column) => [`${name}${index}`, row[column] ?? null] as const),
        );
      await ask(statement(), Object.fromEntries(cells));
    }
  }
}

// A server of the host's may cut what is too long, with no more than a warning.
function refuseLongKeys(given: Submissions): void {
  for (const name of KEYS) {
    const long = given[name].find((value) => value !== null && Buffer.byteLength(value) > LONGEST_KEY);
    if (long === undefined || long === null) continue;
    throw new JobError("store_unavailable", {
      message: `A run's ${name} has ${Buffer.byteLength(long)} bytes; a ledger in MySQL takes ${LONGEST_KEY}.`,
      hint: "Shorten the job's name, or have the IdSource give shorter ids.",
      retryable: false,
      nothingStored: true,
    });
  }
}
