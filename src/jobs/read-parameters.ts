import type { ParameterDeclaration } from "../model/job-definition.js";
import { bindValue } from "./bind-value.js";
import { DefinitionFields } from "./definition-fields.js";
import type { DefinitionProblems } from "./definition-problems.js";
import type { ParameterChecks, ParameterDefault } from "./job-definition.js";
import { didYouMean } from "./nearest-name.js";
import { parseDataType } from "./parse-data-type.js";
import { PARAMETER_NAME } from "./placeholders.js";
import { kindOf } from "./plain-value.js";
import { isStandardSchema, type StandardSchemaV1 } from "./standard-schema.js";

interface Parameters {
  readonly declarations: readonly ParameterDeclaration[];
  readonly checks: ParameterChecks;
}

/** @param names the parameters of the query, in order. */
export function readParameters(
  spec: unknown,
  path: string,
  names: readonly string[],
  problems: DefinitionProblems,
): Parameters {
  const noChecks = { record: null, schemas: new Map(), defaults: new Map() };
  const inferred = (required: boolean) => names.map((name) => ({ name, type: null, required, secret: false }));
  if (spec === undefined) return { declarations: inferred(true), checks: noChecks };
  // What may be left out is for the schema to say, and nobody can ask it.
  if (isStandardSchema(spec)) return { declarations: inferred(false), checks: { ...noChecks, record: spec } };
  return readSpecs(new DefinitionFields(spec, path, undefined, problems), names, problems);
}

function readSpecs(specs: DefinitionFields, names: readonly string[], problems: DefinitionProblems): Parameters {
  const declared = specs.keys();
  for (const name of declared) {
    if (!PARAMETER_NAME.test(name)) specs.add(name, "is no name of a parameter: letters, digits and _, no digit first");
    else if (!names.includes(name)) {
      specs.add(name, `is never mentioned in the query as {${name}}.${didYouMean(name, names)}`);
    }
  }
  const declarations: ParameterDeclaration[] = [];
  const schemas = new Map<string, StandardSchemaV1>();
  const defaults = new Map<string, ParameterDefault>();
  for (const name of names) {
    if (!specs.has(name)) {
      specs.add(name, `is mentioned in the query and not declared.${didYouMean(name, declared)}`);
      continue;
    }
    const parameter = readSpec(name, specs, problems);
    declarations.push(parameter.declaration);
    if (parameter.schema) schemas.set(name, parameter.schema);
    if (parameter.default) defaults.set(name, parameter.default);
  }
  return { declarations, checks: { record: null, schemas, defaults } };
}

function readSpec(name: string, specs: DefinitionFields, problems: DefinitionProblems) {
  const spec = specs.get(name);
  if (typeof spec !== "string" && (typeof spec !== "object" || spec === null || isStandardSchema(spec))) {
    specs.add(
      name,
      `must be a type or { type, default, schema, secret }, not ${isStandardSchema(spec) ? "a schema: write { schema }" : kindOf(spec)}`,
    );
  }
  const fields = new DefinitionFields(
    typeof spec === "string" ? { type: spec } : spec,
    specs.at(name),
    ["type", "default", "schema", "secret"],
    problems,
  );
  const declaration = {
    name,
    type: readType(fields),
    required: !fields.has("default"),
    secret: fields.flag("secret") ?? false,
  };
  const schema = fields.get("schema");
  if (schema !== undefined && !isStandardSchema(schema)) {
    fields.add("schema", "must be a Standard Schema (Zod, Valibot, ArkType and others make them)");
  }
  return {
    declaration,
    ...(isStandardSchema(schema) ? { schema } : {}),
    ...(fields.has("default") ? { default: readDefault(declaration, fields, schema !== undefined) } : {}),
  };
}

function readType(fields: DefinitionFields) {
  const text = fields.text("type");
  if (text === undefined) return null;
  const parsed = parseDataType(text);
  if (parsed.type !== undefined) return parsed.type;
  fields.add("type", `is not a type: ${parsed.problem}`);
  return null;
}

function readDefault(
  declaration: ParameterDeclaration,
  fields: DefinitionFields,
  hasSchema: boolean,
): ParameterDefault {
  const given = fields.get("default");
  if (hasSchema) return { given, bound: null };
  const bound = bindValue(given, declaration);
  if (bound.isErr()) fields.add("default", bound.error.reason);
  return { given, bound: bound.unwrapOr(null) };
}
