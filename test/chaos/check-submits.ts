import type { JobRun } from "../../src/model/run.js";
import { tagOf, type History, type SubmitFacts, type Violation } from "./history.js";

const NOTHING: SubmitFacts = { answers: [], unanswered: 0, refused: [] };

/**
 * Each submit that was answered made or named a run that is there; one key made one run, whoever submitted it; a run that
 * was submitted within a transaction is there if and only if the transaction's other change is.
 */
export function checkSubmits({ planned, submits, runs, hostChanges }: History): readonly Violation[] {
  const byTag = new Map<string, JobRun[]>();
  for (const run of runs) byTag.set(tagOf(run), [...(byTag.get(tagOf(run)) ?? []), run]);
  const known = new Set(planned.map(({ tag }) => tag));
  const strangers = runs.filter((run) => !known.has(tagOf(run)));
  const found: Violation[] = strangers.map(({ id }) => ({
    rule: "submits",
    runId: id,
    message: "nobody submitted it",
  }));
  for (const { tag, twice, within } of planned) {
    const own = byTag.get(tag) ?? [];
    const { answers, unanswered, refused } = submits.get(tag) ?? NOTHING;
    const tell = (rule: string, message: string): void => {
      found.push({ rule, runId: own[0]?.id ?? null, message: `tag ${tag}: ${message}` });
    };
    if (within !== null) {
      if (own.length !== (hostChanges.has(tag) ? 1 : 0)) {
        tell("transaction", `${own.length} runs, and the host's change is ${hostChanges.has(tag) ? "" : "not "}there`);
      }
      if (within === "rollback" && own.length > 0) tell("transaction", "its transaction was rolled back");
      continue;
    }
    const made = answers.filter(({ created }) => created).length;
    for (const { runId } of answers) {
      if (!own.some(({ id }) => id === runId)) tell("submits", `run ${runId} was answered and is not there`);
    }
    if (twice) {
      if (own.length > 1) tell("idempotency", `${own.length} runs under one key`);
      if (made > 1) tell("idempotency", `${made} submits were told that they made the run`);
      if (made === 0 && unanswered === 0 && own.length > 0)
        tell("idempotency", "nobody was told that the run was made");
    } else if (own.length < made || own.length > made + unanswered) {
      tell("submits", `${own.length} runs after ${made} answered and ${unanswered} unanswered submits`);
    }
    if (answers.length + unanswered === 0) tell("submits", `it was never submitted: ${refused.join(", ")}`);
  }
  return found;
}
