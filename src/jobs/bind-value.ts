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
  let code: ParameterRefusal["code"] = "unsupported_parameter";
  try {
    const plain = plainValue(given);
    const bound = type ?? inferDataType(plain);
    code = "invalid_parameter";
    return ok({ type: bound, value: fitValue(plain, bound ?? { kind: "text" }), secret });
  } catch (thrown) {
    if (!(thrown instanceof ValueProblem)) throw thrown;
    // Keys inside a secret are part of it.
    return err({ code, reason: (secret || thrown.path === "" ? "" : `at ${thrown.path} `) + thrown.message });
  }
}
