import { quoteIdentifier } from "./quote.js";

/** Statements that make what a table or view of this path needs: `crm.orders` the database `crm`, `crm.sales.orders` its schema. */
export function* namespaceOf(path: readonly string[]): Generator<string> {
  const [root, schema, table] = path;
  if (root === undefined || schema === undefined) return;
  yield `attach if not exists ':memory:' as ${quoteIdentifier(root)}`;
  if (table !== undefined) yield `create schema if not exists ${quoteIdentifier(root)}.${quoteIdentifier(schema)}`;
}
