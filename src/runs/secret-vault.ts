import type { ParameterValue } from "../model/job-definition.js";
import { JobError } from "../model/job-error.js";
import type { JsonValue } from "../model/json.js";
import type { JobRun } from "../model/run.js";
import type { SecretBox } from "../ports/secret-box.js";

/**
 * Keeps the values of secret parameters. The ledger gets a marker in their place: sealed when the executor has a key,
 * empty otherwise; then the value lives only in this process, until its run ends.
 */
export class SecretVault {
  readonly #held = new Map<string, ReadonlyMap<string, ParameterValue>>();

  constructor(private readonly box: SecretBox | null) {}

  /** What the ledger stores for a secret value. */
  marker(value: ParameterValue): JsonValue {
    return { secret: this.box?.seal(JSON.stringify(value)) ?? true };
  }

  hold(runId: string, values: ReadonlyMap<string, ParameterValue>): void {
    if (values.size > 0) this.#held.set(runId, values);
  }

  forget(runId: string): void {
    this.#held.delete(runId);
  }

  /**
   * The run's parameters with every secret in its place; from now on {@link texts} knows them.
   *
   * @throws JobError `secret_unavailable`.
   */
  reveal({ id, parameters, definition }: JobRun): Readonly<Record<string, ParameterValue>> {
    const secrets = definition.parameters.filter(({ secret }) => secret).map(({ name }) => name);
    const revealed = secrets.map(
      (name) => [name, this.#held.get(id)?.get(name) ?? this.#unseal(name, parameters[name])] as const,
    );
    this.hold(id, new Map(revealed));
    return { ...parameters, ...Object.fromEntries(revealed) };
  }

  #unseal(name: string, marker: JsonValue | undefined): ParameterValue {
    const sealed = sealedText(marker);
    if (sealed === null || this.box === null) throw unavailable(name);
    try {
      return JSON.parse(this.box.open(sealed)) as ParameterValue;
    } catch {
      throw unavailable(name);
    }
  }

  /** The secret texts of a run that this process holds, for masking. */
  texts(runId: string): readonly string[] {
    return [...(this.#held.get(runId)?.values() ?? [])].flatMap(leaves);
  }
}

/** Every text and number within a value, as texts. */
export function leaves(value: ParameterValue): readonly string[] {
  if (value === null || typeof value === "boolean") return [];
  if (typeof value !== "object") return [String(value)];
  return Object.values(value).flatMap((part: ParameterValue) => leaves(part));
}

/** Parameters with every secret marker made equal, so that two submits can be compared. */
export function withoutSeals(parameters: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, sealedText(value) === null ? value : { secret: true }]),
  );
}

function sealedText(value: JsonValue | undefined): string | null {
  if (typeof value !== "object" || value === null || !("secret" in value)) return null;
  const { secret } = value;
  return typeof secret === "string" ? secret : null;
}

function unavailable(name: string): JobError {
  return new JobError("secret_unavailable", {
    message: `The value of the secret parameter "${name}" is not in this process and not in the ledger.`,
    hint: "Submit the run again. Give the executor a secretKey, so that the ledger keeps such values sealed and runs survive a restart.",
    parameters: [name],
  });
}
