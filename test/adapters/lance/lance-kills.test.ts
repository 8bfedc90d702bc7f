import { once } from "node:events";
import { afterAll, describe, expect, it } from "vitest";
import type { WriteMode } from "../../../src/model/write-mode.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { bundledProcess } from "../../support/bundled-process.js";
import { change } from "./job-state.js";
import { lakeFolder, NEVER_ABORTED } from "./lake-folder.js";
import { KILL_POINTS, type WriterPlan } from "./kill-points.js";

// `MILLRACE_TRIALS=200` tries so many seeds; a failing one is replayed with MILLRACE_SEED=<seed> MILLRACE_TRIALS=1.
const FIRST_SEED = Number(process.env["MILLRACE_SEED"] ?? 1);
const TRIALS = Number(process.env["MILLRACE_TRIALS"] ?? 6);
const BY_ID: WriteMode = { kind: "upsert", keys: ["id"] };
const UP_TO_10 = sampleRows(1, 10).map(({ id }) => Number(id));

/** Between them nobody but the table itself knows whether the commit landed. */
const AROUND_LANCE = ["begin:after", "finish:before"] as const;
const MODES: readonly WriteMode[] = [{ kind: "append" }, { kind: "overwrite" }, BY_ID];

const writer = await bundledProcess(new URL("./lance-writer-child.ts", import.meta.url));
afterAll(() => writer[Symbol.asyncDispose]());

interface Trial {
  readonly mode: WriteMode;
  readonly existing: boolean;
  readonly rows: number;
  readonly point: WriterPlan["point"];
  readonly afterMs: number;
}

/** Writes once in a process that is killed, and says what is wrong with what it left. */
async function faultsOf({ existing, ...trial }: Trial): Promise<readonly string[]> {
  await using lake = await lakeFolder();
  const before = existing ? UP_TO_10 : null;
  if (existing)
    await write(lake.destination(), { commitId: "before", steps: [sampleRows(1, 10)], createIfMissing: true });
  const plan: WriterPlan = { folder: lake.path, commitId: "killed", ...trial };
  await once(writer.start(plan), "exit");

  const faults: string[] = [];
  const expecting = (what: string, found: unknown, wanted: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      faults.push(`${what}: ${JSON.stringify(found)?.slice(0, 200)}, not ${JSON.stringify(wanted)?.slice(0, 200)}`);
    }
  };
  const added = sampleRows(11, trial.rows).map(({ id }) => Number(id));
  const after = trial.mode.kind === "overwrite" ? added : [...(before ?? []), ...added];
  const state = await lake.destination().readState!("the job", NEVER_ABORTED);
  const settled = await lake.settle("killed");
  const landed = settled.state === "committed";
  if (settled.state === "in_doubt") faults.push(`in doubt: ${settled.reason}`);
  if (landed) expecting("rows of the receipt", settled.receipt.rowsWritten, trial.rows);
  expecting("state", state, landed ? "killed" : null);
  expecting("ids", await lake.ids(), landed ? after : before);
  expecting("settled again", await lake.settle("killed"), settled);
  const again = { commitId: "killed", steps: [sampleRows(1, 1)], createIfMissing: true };
  const repeated = await write(lake.destination(), again).then(
    () => "landed",
    () => "refused",
  );
  expecting("the same commit tried again", repeated, "refused");
  await write(lake.destination(), {
    commitId: "next",
    steps: [sampleRows(900_000, 1)],
    createIfMissing: true,
    state: change(landed ? "killed" : null, "next"),
  });
  expecting("ids after the next write", await lake.ids(), [...((landed ? after : before) ?? []), 900_000]);
  return faults;
}

describe("a writer that is killed within its commit leaves all or nothing, and the next one finds out which", () => {
  it.each<readonly [WriterPlan["point"], string, Partial<Trial>]>([
    ...KILL_POINTS.map((point) => [point, "an append", {}] as const),
    ...AROUND_LANCE.map((point) => [point, "an overwrite", { mode: { kind: "overwrite" } }] as const),
    ...AROUND_LANCE.map((point) => [point, "an upsert", { mode: BY_ID }] as const),
    ...AROUND_LANCE.map((point) => [point, "a table that is made", { existing: false }] as const),
    ...AROUND_LANCE.map((point) => [point, "a commit without rows", { rows: 0 }] as const),
  ])("killed at %s: %s", { timeout: 30_000 }, async (point, _name, trial) => {
    const append: Trial = { mode: { kind: "append" }, existing: true, rows: 1_000, point, afterMs: 0 };
    expect(await faultsOf({ ...append, ...trial })).toEqual([]);
  });

  it(`holds in ${TRIALS} trials from seed ${FIRST_SEED}`, { timeout: TRIALS * 20_000 }, async () => {
    const failed: string[] = [];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + TRIALS; seed++) {
      const random = seededRandom(seed);
      const trial: Trial = {
        mode: MODES[Math.floor(random() * MODES.length)]!,
        existing: random() < 0.7,
        rows: Math.floor(random() ** 3 * 200_000),
        point: "in Lance",
        afterMs: random() ** 2 * 60,
      };
      for (const fault of await faultsOf(trial)) failed.push(`seed ${seed}: ${fault}`);
    }
    expect(failed).toEqual([]);
  });
});
