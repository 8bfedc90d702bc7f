/** Why one value is not taken. The message follows the parameter's name, and never quotes the value. */
export class ValueProblem extends Error {
  /** Where inside the value, as `.name[3]`; empty for the value itself. */
  readonly path: string;

  constructor(message: string, path = "") {
    super(message);
    this.path = path;
  }
}
