import type { WantedRows } from "../../../ports/table-source.js";
import { OneAtATime } from "../one-at-a-time.js";
import type { PlannedQuery } from "../planned-query.js";
import type { PoolLanes } from "../pool-lanes.js";
import type { PlanNode } from "./plan-tree.js";
import { PlanningInstance } from "./planning-instance.js";
import type { StandIn } from "./stand-ins.js";
import { type TableUse, tableUses, wantedRows } from "./table-uses.js";

/** What a query is planned for. */
export interface PlanOptions {
  /** The query's result ends after so many rows. */
  readonly limit: number | undefined;
  /** Each of them ends the planning. */
  readonly signals: readonly AbortSignal[];
}

/** Finds out what a query reads of each table, from DuckDB's own plan over empty tables of the same names. */
export class ScanPlanner {
  /** Opened with the first query. */
  private instance: PlanningInstance | undefined;
  private readonly turn = new OneAtATime();

  constructor(private readonly lanes: PoolLanes) {}

  /** What the query needs of each table, by its name, or undefined where the plan does not tell for certain. */
  needs(
    query: PlannedQuery,
    tables: readonly StandIn[],
    options: PlanOptions,
  ): Promise<ReadonlyMap<string, WantedRows> | undefined> {
    return this.turn.run(async () => {
      for (const signal of options.signals) signal.throwIfAborted();
      try {
        this.instance ??= await PlanningInstance.open(this.lanes);
        return needsOf(await this.instance.plan(query, tables, options), tables);
      } catch {
        for (const signal of options.signals) signal.throwIfAborted();
        // Then all rows are read.
        return undefined;
      }
    });
  }

  async close(): Promise<void> {
    await this.turn.run(() => Promise.resolve());
    this.instance?.close();
  }
}

function needsOf(plan: PlanNode | undefined, tables: readonly StandIn[]): ReadonlyMap<string, WantedRows> | undefined {
  if (plan === undefined) return undefined;
  const byPlace = new Map(tables.map((table) => [keyOf(placeOf(table)), table]));
  const uses = tableUses(plan, (table) => byPlace.get(keyOf(table))?.columns);
  const needs = [...byPlace].map(([key, { path, columns }]) => {
    const own = uses.filter(({ table }) => keyOf(table) === key);
    return [path.join("."), wantedRows(own, columns)] as const;
  });
  return new Map(needs);
}

/** Where DuckDB finds a table that is called by this path. */
function placeOf({ path }: StandIn): TableUse["table"] {
  const [first = "", second, third] = path;
  if (second === undefined) return ["memory", "main", first];
  return third === undefined ? [first, "main", second] : [first, second, third];
}

function keyOf(name: TableUse["table"]): string {
  return JSON.stringify(name).toLowerCase();
}
