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
  throwIfAny(jobName: string | undefined): void {
    const [first] = this.#found;
    if (first === undefined) return;
    const lines = this.#found.map(({ field, message }) => (field === "" ? message : `${field} ${message}`));
    throw new JobError("invalid_definition", {
      message: `${jobName === undefined ? "A job" : `Job "${jobName}"`} is not well formed: ${lines.join("; ")}.`,
      hint: "Correct what is named here. Nothing was registered.",
      ...(jobName === undefined ? {} : { jobName }),
      ...(first.field === "" ? {} : { field: first.field }),
    });
  }
}
