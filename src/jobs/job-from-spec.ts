import { createHash } from "node:crypto";
import { formatDataType } from "../model/data-type.js";
import type { RunDefinition } from "../model/job-definition.js";
import { canonicalJson } from "../model/json.js";
import { DefinitionFields } from "./definition-fields.js";
import { DefinitionProblems } from "./definition-problems.js";
import type { AnyJob } from "./job-definition.js";
import { nameProblem } from "./job-names.js";
import { parameterNames, scanQuery, stateNames, type QueryScan } from "./placeholders.js";
import { readDestination } from "./read-destination.js";
import { readExecution } from "./read-execution.js";
import { readParameters } from "./read-parameters.js";
import { readState } from "./read-state.js";

const KEYS = ["name", "description", "version", "query", "params", "state", "destination", "execution"];

/**
 * A job from a definition of any origin. Copied and frozen: later changes of `spec` change nothing.
 *
 * @param problems takes down each mistake by itself.
 * @throws JobError `invalid_definition`, all mistakes in one message.
 */
export function jobFromSpec(spec: unknown, problems = new DefinitionProblems()): AnyJob {
  const fields = new DefinitionFields(spec, "", KEYS, problems);
  const name = readName(fields);
  const description = fields.text("description");
  const version = fields.text("version");
  const query = fields.text("query") ?? "";
  const { template } = readQuery(query, fields);
  const { declarations, checks } = readParameters(fields.get("params"), "params", parameterNames(template), problems);
  const destination = readDestination(fields.get("destination"), "destination", problems);
  const state = readState(fields.get("state"), "state", stateNames(template), destination.mode, problems);
  const execution = readExecution(fields.get("execution"), "execution", { declarations, state }, problems);
  problems.throwIfAny({ kind: "job", name });
  const definition = { query, parameters: declarations, ...(state && { state }), destination, execution };
  return Object.freeze({
    name: name ?? "",
    ...(description === undefined ? {} : { description }),
    ...(version === undefined ? {} : { version }),
    ...deepFreeze(definition),
    template: deepFreeze(template),
    hash: hashOf(definition),
    // Not deeply: schemas and defaults belong to the host.
    checks: Object.freeze(checks),
  });
}

function readName(fields: DefinitionFields): string | undefined {
  const name = fields.get("name");
  const problem = nameProblem(name);
  if (problem === undefined) return String(name);
  fields.add("name", problem);
  return undefined;
}

function readQuery(query: string, fields: DefinitionFields): QueryScan {
  if (!fields.has("query")) fields.add("query", "is missing");
  else if (fields.get("query") === query && query.trim() === "") fields.add("query", "must not be empty");
  const scan = scanQuery(query);
  for (const problem of scan.problems) fields.add("query", `cannot be used: ${problem}`);
  return scan;
}

function hashOf({ query, parameters, state, destination, execution }: RunDefinition): string {
  const text = canonicalJson({
    query,
    parameters: parameters.map(({ name, type, required, secret }) => ({
      name,
      type: type && formatDataType(type),
      required,
      secret,
    })),
    ...(state && { state: state.map((one) => ({ ...one, type: formatDataType(one.type) })) }),
    destination: { ...destination, mode: { ...destination.mode } },
    execution: { ...execution, backoff: { ...execution.backoff } },
  });
  return createHash("sha256").update(text).digest("hex");
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
