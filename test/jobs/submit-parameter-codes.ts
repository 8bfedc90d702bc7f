import type { SubmitErrorCode } from "../../src/model/submit-error.js";

/** The codes that the check of parameters gives. */
export const SUBMIT_PARAMETER_CODES: readonly SubmitErrorCode[] = [
  "missing_parameters",
  "unknown_parameters",
  "unsupported_parameter",
  "invalid_parameter",
];
