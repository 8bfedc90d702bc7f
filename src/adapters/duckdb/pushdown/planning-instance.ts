import { DuckDBInstance, VARCHAR } from "@duckdb/node-api";
import { formatDataType } from "../../../model/data-type.js";
import { EngineConnection } from "../engine-connection.js";
import { namespaceOf } from "../namespace.js";
import type { PlannedQuery } from "../planned-query.js";
import type { PoolLanes } from "../pool-lanes.js";
import { quoteIdentifier, quoteText } from "../quote.js";
import { HIDE_THE_CLOCK } from "./clock-functions.js";
import { parsePlan, type PlanNode } from "./plan-tree.js";
import type { StandIn } from "./stand-ins.js";

/**
 * A DuckDB instance that plans, and executes nothing.
 *
 * It stands apart from the engine's: which passes of the optimiser run is a setting of a whole instance, and those that look
 * at the rows of a table must not run over tables that are empty.
 */
export class PlanningInstance {
  /** The columns of the tables that are there, by their names. */
  private readonly made = new Map<string, string>();

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: EngineConnection,
    private readonly optimizers: readonly string[],
  ) {}

  static async open(lanes: PoolLanes): Promise<PlanningInstance> {
    const instance = await DuckDBInstance.fromCache(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      // The one who asks works himself.
      threads: "1",
      memory_limit: "256MB",
    });
    try {
      const connection = new EngineConnection(await lanes.short(() => instance.connect()), lanes);
      const optimizers = await connection.read("select name from duckdb_optimizers()");
      await connection.execute(SETUP.join(";"));
      const planning = new PlanningInstance(
        instance,
        connection,
        optimizers.map(({ name }) => name as string),
      );
      await planning.optimizeBy(PASSES);
      return planning;
    } catch (error) {
      instance.closeSync();
      throw error;
    }
  }

  /**
   * The optimised plan of a query over these tables, with its values in it, or undefined where DuckDB cannot write it down.
   *
   * @param limit ends the query's result after so many rows.
   */
  async plan(
    query: PlannedQuery,
    tables: readonly StandIn[],
    { limit, signals }: { readonly limit: number | undefined; readonly signals: readonly AbortSignal[] },
  ): Promise<PlanNode | undefined> {
    return this.connection.interruptible(signals, async () => {
      for (const table of tables) await this.make(table);
      return query.withVariables(this.connection, limit, (sql) => this.planText(sql));
    });
  }

  close(): void {
    this.connection.disconnect();
    this.instance.closeSync();
  }

  private async make({ path, columns }: StandIn): Promise<void> {
    const name = path.map(quoteIdentifier).join(".");
    const key = name.toLowerCase();
    const list = columns.map((column) => `${quoteIdentifier(column.name)} ${formatDataType(column.type)}`).join(", ");
    if (this.made.get(key) === list) return;
    this.made.delete(key);
    await this.connection.execute([...namespaceOf(path), `create or replace table ${name} (${list})`].join(";"));
    this.made.set(key, list);
  }

  private async planText(sql: string): Promise<PlanNode | undefined> {
    const plan = await this.serialized(sql);
    if (plan !== undefined) return plan;
    await this.optimizeBy([...PASSES, RECOUNT]);
    try {
      return await this.serialized(sql);
    } finally {
      await this.optimizeBy(PASSES);
    }
  }

  private async serialized(sql: string): Promise<PlanNode | undefined> {
    const statement = await this.connection.prepare(
      "select json_serialize_plan($1::varchar, optimize := true)::varchar",
    );
    try {
      statement.bindValue(1, sql, VARCHAR);
      const [row] = await (await this.connection.result(statement)).getRows();
      return parsePlan(String(row?.[0]));
    } finally {
      statement.destroySync();
    }
  }

  private async optimizeBy(passes: readonly string[]): Promise<void> {
    const others = this.optimizers.filter((name) => !passes.includes(name));
    await this.connection.execute(`set disabled_optimizers = ${quoteText(others.join())}`);
  }
}

const SETUP = [
  HIDE_THE_CLOCK,
  "set TimeZone = 'UTC'",
  "set allowed_configs = ['disabled_optimizers']",
  "set enable_external_access = false",
  "set lock_configuration = true",
];

/**
 * The passes of the optimiser that move filters and leave out columns. None of them asks how many rows a table has, or
 * which values: they would find that it is empty.
 */
const PASSES = [
  "expression_rewriter",
  "filter_pullup",
  "filter_pushdown",
  "cte_inlining",
  "cte_filter_pusher",
  "unused_columns",
];

/** Counts the columns again, as a side effect, without which DuckDB cannot write down some plans with CTEs. */
const RECOUNT = "build_side_probe_side";
