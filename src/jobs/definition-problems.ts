import { JobError } from "../model/job-error.js";

/** One mistake; the message follows the field's name. */
interface DefinitionProblem {
  readonly field: string;
  readonly message: string;
}

/** What is wrong with one definition. All of it goes into one error, so that one look mends the whole. */
export class DefinitionProblems {
  readonly #found: DefinitionProblem[] = [];

  get all(): readonly DefinitionProblem[] {
    return this.#found;
  }

  /** @param field where, as `execution.timeoutMs`; empty for the definition itself. */
  add(field: string, message: string): void {
    this.#found.push({ field, message });
  }

  /** @throws JobError `invalid_definition` with every problem; `field` is that of the first. */
  throwIfAny({ kind, name }: { readonly kind: "job" | "schedule"; readonly name: string | undefined }): void {
    const [first] = this.#found;
    if (first === undefined) return;
    const lines = this.#found.map(({ field, message }) => (field === "" ? message : `${field} ${message}`));
    const Kind = kind === "job" ? "Job" : "Schedule";
    throw new JobError("invalid_definition", {
      message: `${name === undefined ? `A ${kind}` : `${Kind} "${name}"`} is not well formed: ${lines.join("; ")}.`,
      hint: "Correct what is named here. Nothing was registered.",
      ...(name !== undefined && kind === "job" && { jobName: name }),
      ...(first.field === "" ? {} : { field: first.field }),
    });
  }
}
