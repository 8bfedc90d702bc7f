import { join } from "node:path";
import { defineJob, JobExecutor, memory, MemoryJobStore } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { sqlite } from "millrace/sqlite";
import { atMost, reported, type Figure } from "./figure.js";
import { watchHost } from "./host-probe.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const LOAD =
  "select i as id, i % 1000 as code, i * 0.5 as amount, 'name ' || (i % 5000) as name from range({rows}) t(i)";
const AGGREGATE =
  "select i % {groups} as g, count(*) as n, sum(i * 0.5) as total, max('k' || i) as last from range(10000000) t(i) group by all order by total desc limit 100";

/** While 10 M rows load, and with four runs at once: event loop, file and DNS calls. */
export async function hostHealth(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    const jobs = ["a", "b", "c", "d"].map((name) =>
      defineJob({
        name,
        query: LOAD,
        params: { rows: "BIGINT" },
        destination: { table: `${name}.t`, createIfMissing: true },
      }),
    );
    const heavy = defineJob({
      name: "heavy",
      query: AGGREGATE,
      params: { groups: "BIGINT" },
      destination: { table: "out.t", mode: "overwrite" },
    });
    const files = ["a", "b", "c", "d"].map(
      (name) => [name, sqlite(join(folder, `${name}.db`), { access: "read_write" })] as const,
    );
    const executor = new JobExecutor({
      engine: new DuckDBEngine(),
      store: new MemoryJobStore(),
      connections: { out: memory(), ...Object.fromEntries(files) },
      jobs: [...jobs, heavy],
    });
    await executor.start();
    const run = async (name: string, params: object): Promise<void> => {
      const handle = await executor.submitOrThrow(name, params as never);
      const end = await handle.result();
      if (end.status !== "succeeded") throw new Error(`${name}: ${end.error?.message ?? end.status}`);
    };
    const one = await watchHost(() => run("a", { rows: 10_000_000 }));
    const four = await watchHost(async () => {
      await Promise.all(["a", "b", "c", "d"].map((name) => run(name, { rows: 2_500_000 })));
    });
    const queries = await watchHost(async () => {
      await Promise.all([1_000, 100_000, 1_000_000, 3_000_000].map((groups) => run("heavy", { groups })));
    });
    await executor.stop();
    return [
      ...figures("10 M rows into SQLite", one),
      ...figures("four loads at once", four),
      ...figures("four heavy queries at once", queries),
    ];
  });
}

function figures(name: string, health: Awaited<ReturnType<typeof watchHost>>): readonly Figure[] {
  return [
    atMost(`${name}: event loop delay p99`, health.loopP99Ms, 10, "ms"),
    atMost(`${name}: event loop delay max`, health.loopMaxMs, 50, "ms"),
    atMost(`${name}: fs.stat p99`, health.statP99Ms, 50, "ms"),
    atMost(`${name}: dns.lookup p99`, health.lookupP99Ms, 50, "ms"),
    reported(`${name}: took`, health.seconds, "s"),
  ];
}
