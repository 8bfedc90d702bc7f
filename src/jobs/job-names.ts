/** The longest name of a job, in UTF-16 units. */
const LONGEST_JOB_NAME = 200;

/** Why a text cannot name something, or undefined if it can: not empty, no control characters, no half surrogate pairs. */
export function nameProblem(name: unknown, longest = LONGEST_JOB_NAME): string | undefined {
  if (typeof name !== "string") return "must be a string";
  if (name.trim() === "") return "must not be empty";
  if (name !== name.trim()) return "must not begin or end with a space";
  if (name.length > longest) return `must have at most ${longest} characters`;
  if (/[\p{Cc}\p{Surrogate}\u2028\u2029]/u.test(name)) return "must not contain control characters";
  return undefined;
}
