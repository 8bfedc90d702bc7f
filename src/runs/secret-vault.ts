import type { ParameterDeclaration, ParameterValue } from "../model/job-definition.js";
import { JobError } from "../model/job-error.js";
import { canonicalJson, type JsonValue } from "../model/json.js";
import type { JobRun, NewRun } from "../model/run.js";
import type { Clock } from "../ports/clock.js";
import type { SecretBox } from "../ports/secret-box.js";

/**
 * How the storing of a run ended. `in_transaction`: it is stored if and when a transaction of the host's commits.
 */
export type HoldEnd = "stored" | "dropped" | "in_transaction";

/** How long the secrets of a run are kept whose transaction has not committed, and may never. */
const LONGEST_TRANSACTION_MS = 600_000;

type SecretValues = ReadonlyMap<string, ParameterValue>;

/**
 * Keeps the values of secret parameters. The ledger gets a marker in their place: sealed when the executor has a key,
 * empty otherwise; then the value lives only in this process, until its run ends.
 */
export class SecretVault {
  readonly #held = new Map<string, SecretValues>();
  /** Until when the ledger may well not know of a run that is held. */
  readonly #unknownUntil = new Map<string, number>();

  constructor(
    private readonly box: SecretBox | null,
    private readonly clock: Pick<Clock, "now">,
  ) {}

  /** What the ledger stores for a secret value. */
  marker(value: ParameterValue): JsonValue {
    return { secret: this.box?.seal(JSON.stringify(value)) ?? true };
  }

  /**
   * Keeps the values of a run that is about to be stored, unless its ledger row will hold them sealed.
   *
   * @returns to be called when it is known what became of the run. Until then {@link heldIds} does not name it, since the
   *   ledger may not have it yet.
   * @throws JobError `internal_error` when a run of this id is held already: its values must not be lost.
   */
  hold(runId: string, values: SecretValues): (end: HoldEnd) => void {
    if (values.size === 0 || this.box !== null) return nothingHeld;
    if (this.#held.has(runId)) throw idTaken(runId);
    this.#held.set(runId, values);
    this.#unknownUntil.set(runId, Infinity);
    return (end) => {
      if (end === "dropped") this.forget(runId);
      else if (end === "stored") this.#unknownUntil.delete(runId);
      else this.#unknownUntil.set(runId, this.clock.now() + LONGEST_TRANSACTION_MS);
    };
  }

  /** The runs whose secrets are held here and which the ledger should know by now. */
  heldIds(): readonly string[] {
    const now = this.clock.now();
    return [...this.#held.keys()].filter((id) => (this.#unknownUntil.get(id) ?? 0) <= now);
  }

  forget(runId: string): void {
    this.#held.delete(runId);
    this.#unknownUntil.delete(runId);
  }

  /**
   * The run's parameters with every secret in its place; from now on {@link texts} knows them.
   *
   * @throws JobError `secret_unavailable`.
   */
  reveal(run: JobRun): Readonly<Record<string, ParameterValue>> {
    if (!run.definition.parameters.some(({ secret }) => secret)) return run.parameters;
    const secrets = this.secretsOf(run);
    this.#held.set(run.id, secrets);
    return { ...run.parameters, ...Object.fromEntries(secrets) };
  }

  /** The values of a run's secret parameters. @throws JobError `secret_unavailable`. */
  secretsOf(run: JobRun): SecretValues {
    const secrets = run.definition.parameters.filter(({ secret }) => secret);
    return new Map(
      secrets.map((parameter) => {
        const value = this.#known(run, parameter);
        if (value === undefined) throw unavailable(parameter.name);
        return [parameter.name, value] as const;
      }),
    );
  }

  /**
   * Whether a stored run has these parameters. A secret that is neither in this process nor sealed with its key cannot be
   * compared, and counts as equal.
   */
  sameParameters(stored: JobRun, wanted: Pick<NewRun, "definition" | "parameters">, secrets: SecretValues): boolean {
    if (canonicalJson(withoutSeals(stored)) !== canonicalJson(withoutSeals(wanted))) return false;
    return stored.definition.parameters
      .filter(({ name }) => secrets.has(name))
      .every((parameter) => {
        const known = this.#known(stored, parameter);
        return known === undefined || canonicalJson(known) === canonicalJson(secrets.get(parameter.name) ?? null);
      });
  }

  #known({ id, parameters }: JobRun, { name }: ParameterDeclaration): ParameterValue | undefined {
    return this.#held.get(id)?.get(name) ?? this.#unsealed(parameters[name]);
  }

  #unsealed(marker: JsonValue | undefined): ParameterValue | undefined {
    const sealed = sealedText(marker);
    if (sealed === null || this.box === null) return undefined;
    try {
      return JSON.parse(this.box.open(sealed)) as ParameterValue;
    } catch {
      return undefined;
    }
  }

  /** The secret texts of a run that this process holds, for masking. */
  texts(runId: string): readonly string[] {
    return [...(this.#held.get(runId)?.values() ?? [])].flatMap(leaves);
  }
}

function nothingHeld(): void {
  return;
}

/** Every text and number within a value, as texts. */
export function leaves(value: ParameterValue): readonly string[] {
  if (value === null || typeof value === "boolean") return [];
  if (typeof value !== "object") return [String(value)];
  return Object.values(value).flatMap((part: ParameterValue) => leaves(part));
}

/** A run's parameters as a host may see and compare them: every secret as `{ "secret": true }`, sealed or not. */
export function withoutSeals({
  definition,
  parameters,
}: Pick<NewRun, "definition" | "parameters">): Record<string, JsonValue> {
  const secret = new Set(definition.parameters.filter((parameter) => parameter.secret).map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, secret.has(name) ? { secret: true } : value]),
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

function idTaken(runId: string): JobError {
  return new JobError("internal_error", {
    message: `There is a run "${runId}" already.`,
    hint: "Nothing was submitted. The executor's ids must give another id each time.",
    runId,
  });
}
