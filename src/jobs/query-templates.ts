import type { QueryTemplate } from "../model/job-definition.js";
import { parseTemplate } from "./placeholders.js";

/** A host has about as many queries as jobs; should it have more, they are parsed anew. */
const MOST_KEPT = 1_000;

/** Templates by the text of their query, so that a query is not parsed for each of its runs. */
export class QueryTemplates {
  readonly #kept = new Map<string, QueryTemplate>();

  /** @throws JobError as {@link parseTemplate}. */
  of(query: string): QueryTemplate {
    const kept = this.#kept.get(query);
    if (kept) return kept;
    const template = parseTemplate(query);
    if (this.#kept.size === MOST_KEPT) this.#kept.clear();
    this.#kept.set(query, template);
    return template;
  }
}
