import { type DataType, formatDataType } from "../model/data-type.js";
import type { StateDeclaration } from "../model/job-definition.js";
import type { WriteMode } from "../model/write-mode.js";
import { bindValue } from "./bind-value.js";
import { DefinitionFields } from "./definition-fields.js";
import type { DefinitionProblems } from "./definition-problems.js";
import { didYouMean } from "./nearest-name.js";
import type { ParameterInput, TypeInput } from "./params-of.js";
import { parseDataType } from "./parse-data-type.js";
import { PARAMETER_NAME, statePlace } from "./placeholders.js";

/** One thing that a job remembers from run to run, for its query to begin from. */
export interface StateSpec<T extends string = string> {
  /** A type that has an order, as DuckDB spells it. The column's values must all be values of it. */
  readonly type: T;
  /** The column of the query's rows. Default: the name itself. */
  readonly column?: string;
  /** Whether the greatest or the least value of a run is remembered. Default `max`. */
  readonly take?: "max" | "min";
  /** What the first run is bound with. */
  readonly initial: string extends T ? ParameterInput : TypeInput<T>;
}

export type StateSpecs<T extends Readonly<Record<string, string>> = Readonly<Record<string, string>>> = {
  readonly [K in keyof T]: StateSpec<T[K]>;
};

/**
 * @param names those that the query mentions as `{last.<name>}`, in order.
 * @returns undefined for a job that remembers nothing.
 */
export function readState(
  spec: unknown,
  path: string,
  names: readonly string[],
  mode: WriteMode,
  problems: DefinitionProblems,
): readonly StateDeclaration[] | undefined {
  if (spec === undefined && names.length === 0) return undefined;
  const specs = new DefinitionFields(spec === undefined ? {} : spec, path, undefined, problems);
  const declared = specs.keys();
  if (declared.length === 0 && names.length === 0) problems.add(path, "must not be empty");
  if (mode.kind === "overwrite") {
    problems.add(path, "does not go with mode overwrite, which would keep nothing but what is new");
  }
  for (const name of declared) {
    if (!PARAMETER_NAME.test(name)) specs.add(name, "is no name of a state: letters, digits and _, no digit first");
    else if (!names.includes(name)) {
      specs.add(name, `is never mentioned in the query as {${statePlace(name)}}.${didYouMean(name, names)}`);
    }
  }
  return names.flatMap((name) => {
    if (specs.has(name)) return readOne(name, specs, problems);
    specs.add(name, `is mentioned in the query and not declared.${didYouMean(name, declared)}`);
    return [];
  });
}

function readOne(name: string, specs: DefinitionFields, problems: DefinitionProblems): readonly StateDeclaration[] {
  const fields = new DefinitionFields(specs.get(name), specs.at(name), ["type", "column", "take", "initial"], problems);
  const type = readType(fields);
  const column = fields.text("column") ?? name;
  const take = fields.choice("take", ["max", "min"]) ?? "max";
  if (!fields.has("initial")) fields.add("initial", "is missing: the first run needs a value too");
  if (type === undefined || !fields.has("initial")) return [];
  const initial = bindValue(fields.get("initial"), { name, type, required: true, secret: false });
  if (initial.isErr()) fields.add("initial", initial.error.reason);
  else if (initial.value.value === null || (type.kind === "float" && initial.value.value === "NaN")) {
    fields.add("initial", "must be a value that others can be compared with");
  } else return [{ name, type, column, take, initial: initial.value.value }];
  return [];
}

function readType(fields: DefinitionFields): DataType | undefined {
  const text = fields.text("type");
  if (text === undefined) {
    if (!fields.has("type")) fields.add("type", "is missing");
    return undefined;
  }
  const { type, problem } = parseDataType(text);
  if (type === undefined) fields.add("type", `is not a type: ${problem}`);
  else if (hasOrder(type)) return type;
  else
    fields.add("type", `is ${formatDataType(type)}, of which no value is remembered; docs/guides/incremental-jobs.md`);
  return undefined;
}

/** Whether the values of a type have an order in which a query and a look at its rows agree. */
function hasOrder(type: DataType): boolean {
  switch (type.kind) {
    case "integer":
    case "float":
    case "decimal":
    case "text":
    case "uuid":
    case "date":
    case "timestamp":
      return true;
    case "time":
      return !type.zoned;
    default:
      return false;
  }
}
