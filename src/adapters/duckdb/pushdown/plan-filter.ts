import type { DataType } from "../../../model/data-type.js";
import type { FilterValue, RowFilter } from "../../../model/row-filter.js";
import { filterValue, isOfType } from "./plan-constant.js";
import { isPlanNode, type PlanNode, placeOf, planNodes } from "./plan-tree.js";

/** A condition of a plan in the words of {@link RowFilter}. */
export interface PlannedFilter {
  /** Holds for every row for which the condition holds. Undefined: nothing can be said. */
  readonly filter?: RowFilter;
  /** The filter holds for no other row. */
  readonly isExact: boolean;
}

/** A column, of the type in which DuckDB keeps it. */
export interface PlannedColumn {
  readonly name: string;
  readonly type: DataType;
  /** It is the texts of an enum's values that are compared. */
  readonly isText?: boolean;
}

/** The column that a reference in an expression means. */
export type ResolveColumn = (place: number) => PlannedColumn | undefined;

/** Nothing is known of a condition: it is not asked of the source. */
const UNKNOWN: PlannedFilter = { isExact: false };

/** What a scan's own filter on a column says. Each kind that is not known here says nothing. */
export function filterOfScan(node: PlanNode, column: PlannedColumn): PlannedFilter {
  switch (node["filter_type"]) {
    case "CONSTANT_COMPARISON":
      return comparison(column, node["comparison_type"], node["constant"]);
    case "IN_FILTER":
      return within(column, planNodes(node["values"]));
    case "IS_NULL":
      return exactly({ kind: "is_null", column: column.name });
    case "IS_NOT_NULL":
      return exactly({ kind: "is_not_null", column: column.name });
    case "CONJUNCTION_AND":
      return all(planNodes(node["child_filters"]).map((child) => filterOfScan(child, column)));
    case "CONJUNCTION_OR":
      return any(planNodes(node["child_filters"]).map((child) => filterOfScan(child, column)));
    case "OPTIONAL_FILTER":
      // It is no condition of the plan: what it leaves out would be sorted out elsewhere.
      return isPlanNode(node["child_filter"])
        ? { ...filterOfScan(node["child_filter"], column), isExact: true }
        : { isExact: true };
    case "EXPRESSION_FILTER":
      return filterOfExpression(node["expr"], (place) => (place === 0 ? column : undefined));
    default:
      return UNKNOWN;
  }
}

/** What an expression of columns says. Each kind that is not known here says nothing. */
export function filterOfExpression(node: unknown, columnAt: ResolveColumn): PlannedFilter {
  if (!isPlanNode(node)) return UNKNOWN;
  const children = planNodes(node["children"]);
  const ofChild = (child: PlanNode): PlannedFilter => filterOfExpression(child, columnAt);
  switch (node["expression_class"]) {
    case "BOUND_REF":
      return isTrue(columnOf(node, columnAt), true);
    case "BOUND_CONJUNCTION":
      return node["type"] === "CONJUNCTION_AND" ? all(children.map(ofChild)) : any(children.map(ofChild));
    case "BOUND_COMPARISON":
      return compared(node, columnAt);
    case "BOUND_OPERATOR":
      return operated(node["type"], children, columnAt);
    default:
      return UNKNOWN;
  }
}

function compared({ type, left, right }: PlanNode, columnAt: ResolveColumn): PlannedFilter {
  const column = columnOf(left, columnAt);
  return column === undefined ? UNKNOWN : comparison(column, type, constantOf(right));
}

function operated(type: unknown, [first, ...rest]: readonly PlanNode[], columnAt: ResolveColumn): PlannedFilter {
  const column = columnOf(first, columnAt);
  if (column === undefined) return UNKNOWN;
  switch (type) {
    case "OPERATOR_IS_NULL":
      return exactly({ kind: "is_null", column: column.name });
    case "OPERATOR_IS_NOT_NULL":
      return exactly({ kind: "is_not_null", column: column.name });
    case "OPERATOR_NOT":
      return isTrue(column, false);
    case "COMPARE_IN":
      return within(column, rest.map(constantOf));
    case "COMPARE_NOT_IN":
      return all(rest.map((item) => comparison(column, "COMPARE_NOTEQUAL", constantOf(item))));
    default:
      return UNKNOWN;
  }
}

/** A boolean column that is itself the condition. */
function isTrue(column: PlannedColumn | undefined, value: boolean): PlannedFilter {
  if (column?.type.kind !== "boolean") return UNKNOWN;
  return exactly({ kind: "compare", column: column.name, operator: "=", value: { type: column.type, value } });
}

function comparison(column: PlannedColumn, planned: unknown, constant: unknown): PlannedFilter {
  const value = valueFor(column, constant);
  if (value === undefined) return UNKNOWN;
  const compare = (operator: Operator): RowFilter => ({ kind: "compare", column: column.name, operator, value });
  const operator = OPERATORS.get(planned);
  // Texts stand in another order than the values of an enum.
  if (column.isText === true && operator !== "=" && operator !== "<>") return UNKNOWN;
  if (operator !== undefined) return exactly(compare(operator));
  if (planned !== "COMPARE_DISTINCT_FROM") return UNKNOWN;
  return exactly({ kind: "or", parts: [compare("<>"), { kind: "is_null", column: column.name }] });
}

/** A null in the list makes no row true. */
function within(column: PlannedColumn, constants: readonly (PlanNode | undefined)[]): PlannedFilter {
  const values: FilterValue[] = [];
  for (const constant of constants) {
    if (constant?.["is_null"] === true) continue;
    const value = valueFor(column, constant);
    if (value === undefined) return UNKNOWN;
    values.push(value);
  }
  return values.length === 0 ? UNKNOWN : exactly({ kind: "in", column: column.name, values });
}

function valueFor({ type, isText }: PlannedColumn, constant: unknown): FilterValue | undefined {
  if (!isPlanNode(constant)) return undefined;
  if (isText !== true) return filterValue(type, constant);
  const value = filterValue(TEXT, constant)?.value;
  return type.kind === "enum" && typeof value === "string" && type.values.includes(value) ? { type, value } : undefined;
}

const TEXT: DataType = { kind: "text" };

type Operator = (RowFilter & { readonly kind: "compare" })["operator"];

const OPERATORS: ReadonlyMap<unknown, Operator> = new Map([
  ["COMPARE_EQUAL", "="],
  ["COMPARE_NOT_DISTINCT_FROM", "="],
  ["COMPARE_NOTEQUAL", "<>"],
  ["COMPARE_LESSTHAN", "<"],
  ["COMPARE_LESSTHANOREQUALTO", "<="],
  ["COMPARE_GREATERTHAN", ">"],
  ["COMPARE_GREATERTHANOREQUALTO", ">="],
]);

/** Only a bare reference, of the name that the column has: a cast around it means other values, unless of an enum to its text. */
function columnOf(node: unknown, columnAt: ResolveColumn): PlannedColumn | undefined {
  if (!isPlanNode(node)) return undefined;
  if (node["expression_class"] === "BOUND_CAST") {
    const column = isOfType(TEXT, node["return_type"]) ? columnOf(node["child"], columnAt) : undefined;
    return column?.type.kind === "enum" ? { ...column, isText: true } : undefined;
  }
  if (node["expression_class"] !== "BOUND_REF") return undefined;
  const column = columnAt(placeOf(node["index"]));
  return column?.name === node["alias"] ? column : undefined;
}

function constantOf(node: unknown): PlanNode | undefined {
  if (!isPlanNode(node) || node["expression_class"] !== "BOUND_CONSTANT") return undefined;
  return isPlanNode(node["value"]) ? node["value"] : undefined;
}

function exactly(filter: RowFilter): PlannedFilter {
  return { filter, isExact: true };
}

/** What holds where all of these hold. */
export function all(parts: readonly PlannedFilter[]): PlannedFilter {
  const filters = distinct(parts.flatMap(({ filter }) => (filter === undefined ? [] : conjuncts(filter))));
  return {
    ...(filters.length > 0 && { filter: filters.length === 1 ? filters[0]! : { kind: "and", parts: filters } }),
    isExact: parts.every(({ isExact }) => isExact),
  };
}

/** What holds where one of these holds. */
export function any(parts: readonly PlannedFilter[]): PlannedFilter {
  const filters = distinct(parts.flatMap(({ filter }) => (filter === undefined ? [] : [filter])));
  if (parts.length === 0 || parts.some(({ filter }) => filter === undefined)) return UNKNOWN;
  return {
    filter: filters.length === 1 ? filters[0]! : { kind: "or", parts: filters },
    isExact: parts.every(({ isExact }) => isExact),
  };
}

/** The filters that all have to hold for this one. */
export function conjuncts(filter: RowFilter): readonly RowFilter[] {
  return filter.kind === "and" ? filter.parts : [filter];
}

function distinct(filters: readonly RowFilter[]): readonly RowFilter[] {
  return [...new Map(filters.map((filter) => [JSON.stringify(filter), filter])).values()];
}
