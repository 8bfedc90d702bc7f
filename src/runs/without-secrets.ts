import type { BoundValue } from "../jobs/bound-value.js";
import type { DataType } from "../model/data-type.js";
import type { ParameterValue } from "../model/job-definition.js";
import type { EngineQuery } from "../ports/query-engine.js";

/** A query with its values. */
export interface QueryWithValues extends EngineQuery {
  readonly parameters: ReadonlyMap<string, BoundValue>;
}

export function hasSecrets({ parameters }: QueryWithValues): boolean {
  return [...parameters.values()].some(({ secret }) => secret);
}

/**
 * The same query with something harmless of the same type in the place of each secret. What an engine says of it cannot
 * quote a secret, not even a part of one or what a function makes of it.
 */
export function withoutSecrets({ template, parameters }: QueryWithValues): EngineQuery {
  const harmless = [...parameters].map(([name, { type, value, secret }]) => {
    return [name, { type, value: secret ? standIn(type) : value }] as const;
  });
  return { template, parameters: new Map(harmless) };
}

/** Not null where there is a choice: a filter that compares with null is planned away. */
function standIn(type: DataType | null): ParameterValue {
  switch (type?.kind) {
    case undefined:
    case "text":
      return "***";
    case "integer":
    case "float":
      return 0;
    default:
      return null;
  }
}
