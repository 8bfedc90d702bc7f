import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { DataType } from "../../src/model/data-type.js";
import type { Connection } from "../../src/ports/connection.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { contractSuite } from "../support/contract-suite.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";

// By its path: the example imports the package by its name, which only its own tsconfig leads to the sources.
const example = new URL("../../docs/examples/custom-destination/lines.ts", import.meta.url).href;
const { lines } = (await import(example)) as { readonly lines: (root: string) => Connection };

async function linesFixture(): Promise<DestinationFixture> {
  const root = await mkdtemp(join(tmpdir(), "millrace-"));
  const connection = lines(root);
  return {
    destination: (table) => {
      const destination = connection.destination?.(table);
      if (destination === undefined) throw new Error(`no destination for ${table}`);
      return destination;
    },
    read: (table) => readLines(join(root, encodeURIComponent(table))),
    readsAs,
    dispose: () => rm(root, { recursive: true }),
  };
}

/** The rows of all commits; null when none has landed. */
async function readLines(folder: string): Promise<readonly Record<string, unknown>[] | null> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.filter((name) => name.endsWith(".jsonl")).map((name) => readFile(join(folder, name), "utf8")),
  );
  const landed = files.filter((text) => text !== "");
  if (landed.length === 0) return null;
  return landed.flatMap((text) =>
    text
      .split("\n")
      .slice(1, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}

function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "integer":
      return type.bits > 32 ? String(value) : Number(value);
    case "decimal":
      return decimalDigits(value as bigint, type.scale);
    case "date":
      return isoDate(value as number);
    case "time":
      return isoTime(value as bigint, 1_000_000n);
    case "timestamp":
      return isoTimestamp(value as bigint, type) + (type.zoned ? "+00" : "");
    default:
      return value;
  }
}

const NO_OVERWRITE = "it only appends";

contractSuite(
  "the example lines() keeps the promises of a destination",
  jobDestinationContract({
    make: linesFixture,
    without: [
      { clause: "an overwrite replaces the whole content", reason: NO_OVERWRITE },
      { clause: "an empty result overwrites", reason: NO_OVERWRITE },
      { clause: "the proof of a commit outlives a later overwrite", reason: NO_OVERWRITE },
      { clause: "an error in the middle of an overwrite leaves what was there", reason: NO_OVERWRITE },
      {
        clause: "readers of an overwrite see the old content or the new, and nothing between",
        reason: NO_OVERWRITE,
      },
      {
        clause: "rows with a column that the table lacks are refused",
        reason: "the check before the run refuses them; a line could hold them",
      },
    ],
  }),
);

contractSuite(
  "the example lines() keeps the promises of a connection",
  connectionContract({
    make: async () => {
      const root = await mkdtemp(join(tmpdir(), "millrace-"));
      return { connection: lines(root), missingTable: "none", dispose: () => rm(root, { recursive: true }) };
    },
  }),
);

it("stands word for word in the guide", async () => {
  const guide = await readFile("docs/guides/write-a-destination.md", "utf8");
  for (const file of ["lines-destination.ts", "lines.ts"]) {
    expect(guide).toContain(await readFile(join("docs/examples/custom-destination", file), "utf8"));
  }
});

it("takes the rows of a job", async () => {
  const root = await mkdtemp(join(tmpdir(), "millrace-"));
  const job = defineJob({
    name: "events",
    query: "select i as id, 'event ' || i as label from range(3) t(i)",
    destination: { table: "lake.events" },
  });
  const executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: new MemoryJobStore(),
    connections: { lake: lines(root) },
    jobs: [job],
  });
  await executor.start();
  const end = await (await executor.submitOrThrow("events", {})).result();
  await executor.stop();
  expect(end).toMatchObject({ status: "succeeded", rowsWritten: 3 });
  expect(await readLines(join(root, "events"))).toEqual([0, 1, 2].map((id) => ({ id: `${id}`, label: `event ${id}` })));
  await rm(root, { recursive: true });
});
