import { JobError } from "../../model/job-error.js";
import { ALLOWED_TABLE_FUNCTIONS, DENIED_FUNCTIONS } from "./denied-functions.js";

/** A table as a query names it: what stands before the last dot is empty where the query does not say. */
export interface TableReference {
  readonly catalog: string;
  readonly schema: string;
  readonly table: string;
}

type Node = Readonly<Record<string, unknown>>;

/**
 * The tables that a parsed query reads, names of its own CTEs left out.
 *
 * Fails closed: a kind of FROM item that is not known here is refused.
 *
 * @param tree what `json_serialize_sql` says.
 * @param slots the parameters that the engine itself put into the text.
 * @throws JobError `unsupported_query` for everything that is not one SELECT over named tables (law 13).
 */
export function tablesOf(tree: string, slots: ReadonlySet<string> = new Set()): readonly TableReference[] {
  const parsed = parse(tree);
  if (parsed["error"] === true) throw refused(parseError(parsed), PLAIN_SELECT);
  const statements = nodes(parsed["statements"]);
  if (statements.length !== 1) {
    throw refused(`The text has ${statements.length} statements, and a job is exactly one SELECT.`, PLAIN_SELECT);
  }
  const found: Found = { tables: [], slots };
  visitQuery(statements[0]?.["node"], new Set(), found);
  return found.tables;
}

interface Found {
  readonly tables: TableReference[];
  readonly slots: ReadonlySet<string>;
}

const PLAIN_SELECT = "Write one SELECT over the declared connections; the destination says where its rows go.";

function parseError({ error_type: type, error_message: message }: Node): string {
  const text = String(message);
  if (type === "not implemented" && text.startsWith("Only SELECT")) {
    return "The query is not a plain SELECT.";
  }
  return `The query cannot be parsed: ${text}.`;
}

/** A query node: its CTEs are visible from the next one on, and in itself. */
function visitQuery(value: unknown, outer: ReadonlySet<string>, found: Found): void {
  const node = value as Node;
  const scope = new Set(outer);
  for (const { key, value: cte } of nodes((node["cte_map"] as Node | undefined)?.["map"])) {
    visitInner((cte as Node)["query"], scope, found);
    scope.add(folded(key));
  }
  const isRecursive = node["type"] === "RECURSIVE_CTE_NODE";
  // A recursive CTE sees its own name, but for its anchor, which reads whatever else is called so.
  const own = isRecursive ? new Set([...scope, folded(node["cte_name"])]) : scope;
  for (const [key, part] of Object.entries(node)) {
    if (key !== "cte_map") visitInner(part, isRecursive && key === "left" ? scope : own, found);
  }
}

function visitInner(value: unknown, scope: ReadonlySet<string>, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) visitInner(item, scope, found);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const node = value as Node;
  if ("cte_map" in node) return visitQuery(node, scope, found);
  const type = node["type"];
  if (isFromItem(node)) {
    if (!FROM_ITEMS.has(String(type))) {
      throw refused(`The query reads a ${String(type)}, which is not a declared table.`, PLAIN_SELECT);
    }
    if (type === "BASE_TABLE") addTable(node, scope, found);
    if (type === "TABLE_FUNCTION") checkTableFunction(node["function"] as Node);
  } else if (typeof node["function_name"] === "string") {
    checkFunction(node);
  } else if (node["class"] === "PARAMETER" && !found.slots.has(String(node["identifier"]))) {
    throw refused(
      `The query has a parameter of DuckDB's own, $${String(node["identifier"])}, to which nothing is bound.`,
      "Name parameters as {name}.",
    );
  }
  for (const part of Object.values(node)) visitInner(part, scope, found);
}

const FROM_ITEMS: ReadonlySet<string> = new Set([
  "BASE_TABLE",
  "SUBQUERY",
  "JOIN",
  "TABLE_FUNCTION",
  "EXPRESSION_LIST",
  "EMPTY",
  "PIVOT",
]);

// Expressions carry a class; FROM items carry a sample beside their type, as SELECT nodes do, which have a cte_map.
function isFromItem(node: Node): boolean {
  return typeof node["type"] === "string" && "sample" in node && !("class" in node);
}

function addTable(node: Node, scope: ReadonlySet<string>, found: Found): void {
  const reference = {
    catalog: String(node["catalog_name"]),
    schema: String(node["schema_name"]),
    table: String(node["table_name"]),
  };
  const isCte = reference.catalog === "" && reference.schema === "" && scope.has(folded(reference.table));
  if (!isCte) found.tables.push(reference);
}

function checkTableFunction(call: Node): void {
  const name = String(call["function_name"]);
  checkQualifier(call, name);
  if (ALLOWED_TABLE_FUNCTIONS.has(folded(name))) return;
  throw refused(
    `The query calls ${name}(), which is not among the table functions that a job may use.`,
    "Declare files and databases as connections, and name them in FROM.",
  );
}

function checkFunction(call: Node): void {
  const name = String(call["function_name"]);
  checkQualifier(call, name);
  if (!DENIED_FUNCTIONS.has(folded(name))) return;
  throw refused(
    `The query calls ${name}(), which reaches beyond its own values.`,
    "Pass what the query needs as a parameter.",
  );
}

// DuckDB itself writes `main` before the functions that its grammar stands for.
function checkQualifier(call: Node, name: string): void {
  const schema = folded(call["schema"] ?? "");
  const catalog = folded(call["catalog"] ?? "");
  if (catalog === "" && (schema === "" || schema === "main")) return;
  throw refused(`The query calls ${name}() by a qualified name.`, "Call functions by their plain name.");
}

// As DuckDB folds: JavaScript would take the Kelvin sign for a k.
function folded(name: unknown): string {
  return String(name).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

// DuckDB writes numbers without end in a way that is no JSON.
function parse(tree: string): Node {
  try {
    return JSON.parse(tree) as Node;
  } catch {
    throw refused("The query has a number that no type holds.", "Write the number within the range of DOUBLE.");
  }
}

function nodes(value: unknown): readonly Node[] {
  return Array.isArray(value) ? (value as Node[]) : [];
}

function refused(message: string, hint: string): JobError<"unsupported_query"> {
  return new JobError("unsupported_query", { message, hint });
}
