import type { JsonSchema } from "../../src/jobs/data-type-schema.js";

type Check = (keyword: unknown, value: unknown, schema: JsonSchema) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  string: (value) => typeof value === "string",
  array: Array.isArray,
  object: isObject,
};

const FORMATS: Readonly<Record<string, RegExp>> = {
  date: /^\d{4}-\d\d-\d\d$/,
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
};

const KEYWORDS: Readonly<Record<string, Check>> = {
  title: () => true,
  description: () => true,
  contentEncoding: () => true,
  type: (type, value) => [type].flat().some((one) => TYPES[String(one)]?.(value)),
  anyOf: (schemas, value) => (schemas as JsonSchema[]).some((schema) => meets(schema, value)),
  enum: (values, value) => (values as unknown[]).includes(value),
  minimum: (least, value) => typeof value !== "number" || value >= Number(least),
  maximum: (most, value) => typeof value !== "number" || value <= Number(most),
  pattern: (pattern, value) => typeof value !== "string" || new RegExp(String(pattern), "u").test(value),
  format: (format, value) => typeof value !== "string" || FORMATS[String(format)]?.test(value) === true,
  items: (items, value, { prefixItems }) =>
    !Array.isArray(value) ||
    value
      .slice(Array.isArray(prefixItems) ? prefixItems.length : 0)
      .every((item) => items !== false && meets(items as JsonSchema, item)),
  prefixItems: (schemas, value) =>
    !Array.isArray(value) ||
    value.every((item, i) => i >= (schemas as JsonSchema[]).length || meets((schemas as JsonSchema[])[i] ?? {}, item)),
  minItems: (least, value) => !Array.isArray(value) || value.length >= Number(least),
  maxItems: (most, value) => !Array.isArray(value) || value.length <= Number(most),
  properties: (properties, value) =>
    !isObject(value) ||
    Object.entries(properties as Record<string, JsonSchema>).every(
      ([key, schema]) => !(key in value) || meets(schema, value[key]),
    ),
  required: (keys, value) => !isObject(value) || (keys as string[]).every((key) => key in value),
  additionalProperties: (_false, value, { properties }) =>
    !isObject(value) || Object.keys(value).every((key) => key in (properties as object)),
  minProperties: (least, value) => !isObject(value) || Object.keys(value).length >= Number(least),
  maxProperties: (most, value) => !isObject(value) || Object.keys(value).length <= Number(most),
};

/** Whether a value meets a schema of the keywords that Millrace writes; throws for any other keyword. */
export function meets(schema: JsonSchema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`the keyword ${keyword} is not known here`);
    return check(argument, value, schema);
  });
}
