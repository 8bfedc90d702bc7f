import { type DataType, formatDataType, sameDataType } from "../../model/data-type.js";
import { losslessStorage, type StorageAnswer } from "../../model/lossless-storage.js";
import type { Column } from "../../model/table-schema.js";

const STORED: StorageAnswer = { stored: true };

/**
 * Lance itself would cast, and truncate 7.9 to 7 without a word. So a column takes only a type of which it holds every
 * value, and of those only what is converted column by column. It loads no Arrow: hosts ask before they write.
 */
export function lanceStorage(type: DataType, column: Column | null): StorageAnswer {
  if (column === null) {
    const reason = notKept(type);
    return reason === undefined ? STORED : refused(reason);
  }
  if (column.nativeType !== undefined)
    return refused(`a column of type ${column.nativeType} can be read and not written`);
  const lossless = losslessStorage(type, column.type);
  if (!lossless.stored || isConverted(type, column.type)) return lossless;
  return refused(`it is not converted by itself; cast it to ${formatDataType(column.type)}`);
}

/** Whether Lance has a type that keeps every value of this one. */
export function isKept(type: DataType): boolean {
  return notKept(type) === undefined;
}

/** Why there is no type in Lance that keeps every value: a clause that ends a sentence. */
function notKept(type: DataType): string | undefined {
  switch (type.kind) {
    case "integer":
      return type.bits === 128 ? "Lance has no integers of 128 bits; cast it to BIGINT or DECIMAL(38,0)" : undefined;
    case "time":
      return type.zoned ? "Lance has no times of day with an offset; cast it to TIME or VARCHAR" : undefined;
    case "list":
      return notKept(type.item);
    case "array":
      return (
        notKept(type.item) ??
        (hasFixedWidth(type.item) ? undefined : "Lance keeps arrays of numbers and the like only; cast it to a list")
      );
    case "struct":
      if (type.fields.some(({ name }) => name === "")) return "Lance keeps no fields without names; name them";
      return type.fields.map((field) => notKept(field.type)).find((reason) => reason !== undefined);
    case "null":
      return "its type is unknown; cast it to the type that the new column shall have";
    case "map":
      return "Lance keeps maps only in a newer storage version; use a list of structs, or cast it to JSON";
    case "bignum":
    case "interval":
    case "union":
    case "any":
    case "opaque":
      return `Lance has no type for ${formatDataType(type)}; cast it to one that it has, such as VARCHAR`;
    default:
      return undefined;
  }
}

/** Of two types of which the second holds every value of the first: whether the encoder turns the one into the other. */
function isConverted(from: DataType, to: DataType): boolean {
  if (sameDataType(from, to) || from.kind === "null") return true;
  switch (to.kind) {
    case "integer":
    case "float":
      return from.kind === "integer" || from.kind === "float";
    case "decimal":
      return from.kind === "decimal" && from.scale === to.scale;
    case "text":
    case "time":
    case "timestamp":
      return true;
    case "list":
    case "array":
      return (from.kind === "list" || from.kind === "array") && isConverted(from.item, to.item);
    case "struct":
      return (
        from.kind === "struct" &&
        from.fields.every(({ type }, index) => {
          const field = to.fields[index];
          return field !== undefined && isConverted(type, field.type);
        })
      );
    default:
      return false;
  }
}

/** Arrays of others fail in Lance, some of them by a crash of its thread. */
function hasFixedWidth(type: DataType): boolean {
  if (type.kind === "array") return hasFixedWidth(type.item);
  return !["text", "json", "enum", "bit", "bytes", "uuid", "list", "struct"].includes(type.kind);
}

function refused(reason: string): StorageAnswer {
  return { stored: false, reason };
}
