import type { JsonValue } from "../../../src/model/json.js";
import type { StateChange } from "../../../src/ports/job-destination.js";

export function change(from: JsonValue, to: JsonValue): StateChange {
  return { key: "the job", from, to };
}
