import { err, ok, type Result } from "neverthrow";
import type { ParameterDeclaration } from "../model/job-definition.js";
import type { BoundValue } from "./bound-value.js";
import { fitValue } from "./fit-value.js";
import { inferDataType } from "./infer-data-type.js";
import { plainValue } from "./plain-value.js";
import { ValueProblem } from "./value-problem.js";

/** Why one parameter was refused. `reason` follows its name. */
export interface ParameterRefusal {
  readonly code: "unsupported_parameter" | "invalid_parameter";
  readonly reason: string;
  readonly cause?: unknown;
}

/** Brings a value into the form in which its parameter is kept and bound. */
export function bindValue(
  given: unknown,
  { type, secret }: ParameterDeclaration,
): Result<BoundValue, ParameterRefusal> {
  const refusal = (code: ParameterRefusal["code"]) => (problem: ValueProblem) => ({
    code,
    // Keys inside a secret are part of it.
    reason: (secret || problem.path === "" ? "" : `at ${problem.path} `) + problem.message,
  });
  return attempt(() => plainValue(given))
    .andThen((plain) => attempt(() => ({ plain, type: type ?? inferDataType(plain) })))
    .mapErr(refusal("unsupported_parameter"))
    .andThen(({ plain, type }) =>
      attempt(() => ({ type, value: fitValue(plain, type ?? { kind: "text" }), secret })).mapErr(
        refusal("invalid_parameter"),
      ),
    );
}

function attempt<T>(act: () => T): Result<T, ValueProblem> {
  try {
    return ok(act());
  } catch (thrown) {
    if (thrown instanceof ValueProblem) return err(thrown);
    throw thrown;
  }
}
