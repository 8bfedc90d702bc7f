import type { DataType } from "../../../model/data-type.js";
import type { WantedRows } from "../../../ports/table-source.js";
import { ALLOWED_TABLE_FUNCTIONS } from "../denied-functions.js";
import {
  all,
  any,
  conjuncts,
  filterOfExpression,
  filterOfScan,
  type PlannedColumn,
  type PlannedFilter,
} from "./plan-filter.js";
import { isPlanNode, type PlanNode, placeOf, planNodes } from "./plan-tree.js";

/** One of the places at which a plan reads a table. */
export interface TableUse {
  /** The table's catalogue, schema and name. */
  readonly table: readonly [catalog: string, schema: string, name: string];
  /** The names of the columns that are read. */
  readonly columns: readonly string[];
  readonly condition: PlannedFilter;
  /** No more rows than this are read, of those for which the condition holds. */
  readonly limit?: number;
}

/** The columns of a table, by its catalogue, schema and name. */
export type ColumnsOf = (table: TableUse["table"]) => readonly PlannedColumn[] | undefined;

/**
 * The places at which a plan reads tables.
 *
 * @throws Error when one of them cannot be understood.
 */
export function tableUses(plan: PlanNode, columnsOf: ColumnsOf): readonly TableUse[] {
  const uses: TableUse[] = [];
  visit(plan, {});
  return uses;

  function visit(node: PlanNode, above: Above): void {
    const children = planNodes(node["children"]);
    // What stands above another filter, or a projection, means the columns of that.
    const limit = above.conditions === undefined && above.limit !== undefined ? { limit: above.limit } : {};
    switch (node["type"]) {
      case "LOGICAL_GET":
        // All others read a table, or something that is not known here.
        if (!ALLOWED_TABLE_FUNCTIONS.has(String(node["name"]))) uses.push(useOf(node, columnsOf, above));
        break;
      case "LOGICAL_LIMIT":
        for (const child of children) visit(child, rowsOf(node, limit.limit));
        return;
      case "LOGICAL_FILTER":
        for (const child of children) visit(child, { ...limit, conditions: planNodes(node["expressions"]) });
        return;
      case "LOGICAL_PROJECTION":
        for (const child of children) visit(child, limit);
        return;
    }
    for (const child of children) visit(child, {});
  }
}

/** What all uses of a table together need of it. */
export function wantedRows(uses: readonly TableUse[], columns: readonly PlannedColumn[]): WantedRows {
  if (uses.length === 0) return { columns: [cheapest(columns)], limit: 0 };
  const read = new Set(uses.flatMap((use) => use.columns));
  const { filter } = any(uses.map(({ condition }) => condition));
  const [first] = uses;
  const limit = uses.length === 1 && first?.condition.isExact === true ? first.limit : undefined;
  return {
    columns: read.size === 0 ? [cheapest(columns)] : columns.map(({ name }) => name).filter((name) => read.has(name)),
    ...(filter !== undefined && { filters: conjuncts(filter) }),
    ...(limit !== undefined && { limit }),
  };
}

/** For a query that needs rows, and nothing in them. */
function cheapest(columns: readonly PlannedColumn[]): string {
  const ranks = columns.map(({ type }) => bytesOf(type));
  return columns[ranks.indexOf(Math.min(...ranks))]?.name ?? "";
}

function bytesOf(type: DataType): number {
  switch (type.kind) {
    case "boolean":
      return 1;
    case "integer":
    case "float":
      return type.bits / 8;
    case "date":
      return 4;
    case "time":
    case "timestamp":
      return 8;
    case "uuid":
    case "decimal":
    case "interval":
      return 16;
    default:
      return 1_000;
  }
}

/** What stands directly above a part of a plan. */
interface Above {
  /** No more rows than this are taken of it. */
  readonly limit?: number;
  /** Only rows for which these hold are taken of it. */
  readonly conditions?: readonly PlanNode[];
}

function useOf(node: PlanNode, columnsOf: ColumnsOf, { limit, conditions = [] }: Above): TableUse {
  const data = isPlanNode(node["function_data"]) ? node["function_data"] : {};
  const table = [String(data["catalog"]), String(data["schema"]), String(data["table"])] as const;
  const columns = columnsOf(table);
  if (columns === undefined || JSON.stringify(columns.map(({ name }) => name)) !== JSON.stringify(node["names"])) {
    throw notUnderstood();
  }
  const read = planNodes(node["column_indexes"]).map(({ index }) => {
    const column = columns[placeOf(index)];
    if (column === undefined && index !== ROW_ID) throw notUnderstood();
    return column;
  });
  const given = node["projection_ids"];
  const columnAt = (place: number): PlannedColumn | undefined => {
    return read[Array.isArray(given) ? placeOf(given[place]) : place];
  };
  const own = isPlanNode(node["table_filters"]) ? planNodes(node["table_filters"]["filters"]) : [];
  const condition = all([
    ...own.map(({ key, value }): PlannedFilter => {
      const column = columns[placeOf(key)];
      return column !== undefined && isPlanNode(value) ? filterOfScan(value, column) : { isExact: false };
    }),
    ...conditions.map((expression) => filterOfExpression(expression, columnAt)),
  ]);
  const names = read.flatMap((column) => (column === undefined ? [] : [column.name]));
  return { table, columns: names, condition, ...(limit !== undefined && { limit }) };
}

/** What DuckDB writes for a column that no table has: rows are needed, and nothing in them. */
const ROW_ID = "18446744073709551615";

/** How many rows a limit and its offset take, of which no more than `most` are taken. */
function rowsOf({ limit_val: limit, offset_val: offset }: PlanNode, most = Infinity): Above {
  const taken = constantOf(limit);
  const skipped = isPlanNode(offset) && offset["type"] === "UNSET" ? 0 : constantOf(offset);
  const rows = Math.min(taken, most) + skipped;
  return Number.isSafeInteger(rows) ? { limit: rows } : {};
}

/** A limit that is a whole number; NaN for any other, as for a part of the rows. */
function constantOf(value: unknown): number {
  return isPlanNode(value) && value["type"] === "CONSTANT_VALUE" ? Number(value["constant_integer"]) : NaN;
}

function notUnderstood(): Error {
  return new Error("The plan reads a table in a way that is not known here.");
}
