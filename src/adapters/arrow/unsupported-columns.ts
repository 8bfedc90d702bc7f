import type { DataType } from "../../model/data-type.js";
import { formatDataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";

/**
 * Refuses a schema of which some column cannot be moved exactly, with one error that names every such column.
 *
 * @throws JobError `unsupported_query`, with `columns`.
 */
export function refuseUnsupportedColumns(schema: TableSchema): void {
  const refused = schema.columns.flatMap(({ name, type, nativeType }) => {
    const part = unsupportedPart(type);
    if (part === undefined) return [];
    const spelling = part === type ? (nativeType ?? formatDataType(part)) : formatDataType(part);
    return [{ name, spelling }];
  });
  if (refused.length === 0) return;
  const list = refused.map(({ name, spelling }) => `"${name}" (${spelling})`).join(", ");
  throw new JobError("unsupported_query", {
    message: `No exact conversion exists for ${refused.length === 1 ? "column" : "columns"} ${list}.`,
    hint: "Cast them in the query, for example to VARCHAR, or leave them out.",
    columns: refused.map(({ name }) => name),
  });
}

/**
 * The error for a value that has no exact counterpart on the other side. The value itself is not in the message: it may
 * be a secret.
 */
export function unmovableValue(column: string, reason: string): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `Column "${column}": ${reason}.`,
    hint: "Convert the column before it is moved.",
    columns: [column],
    retryable: false,
  });
}

function unsupportedPart(type: DataType): DataType | undefined {
  switch (type.kind) {
    case "any":
    case "opaque":
      return type;
    case "list":
    case "array":
      return unsupportedPart(type.item);
    case "map":
      return unsupportedPart(type.key) ?? unsupportedPart(type.value);
    case "struct":
      return firstUnsupported(type.fields);
    case "union":
      return firstUnsupported(type.members);
    default:
      return undefined;
  }
}

function firstUnsupported(parts: readonly { readonly type: DataType }[]): DataType | undefined {
  for (const { type } of parts) {
    const part = unsupportedPart(type);
    if (part !== undefined) return part;
  }
  return undefined;
}
