import type { DefinitionProblems } from "../definition-problems.js";

/** A kind of document that files hold, and how one of them becomes a definition. */
export interface SpecKind<T> {
  readonly kind: "job" | "schedule";
  /** The field of `metadata` that tells definitions apart. */
  readonly name: string;
  /** The fields of a definition that stand under `metadata`; all others stand under `spec`. */
  readonly metadata: readonly string[];
  /** @throws JobError `invalid_definition`. @param problems takes down each mistake by itself. */
  readonly read: (spec: unknown, problems: DefinitionProblems) => T;
}

/** Every kind of document that may stand in a file. Those that are not asked for are for others to read. */
export const DOCUMENT_KINDS = ["job", "schedule", "aliases", "context", "pipeline", "semantics"];
