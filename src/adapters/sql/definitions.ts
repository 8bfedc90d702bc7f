import type { RunDefinition } from "../../model/job-definition.js";
import { sortedByKey } from "../../model/json.js";
import { frozenCopy } from "../../model/plain-copy.js";
import { dateCopy } from "../../model/run-copy.js";
import type { NewRun } from "../../model/run.js";

/** How many are remembered by their texts. */
const MOST = 1_000;

/** The definitions of runs: most runs share one, which is therefore frozen, and made into text and back only once. */
export class Definitions {
  readonly #texts = new WeakMap<RunDefinition, string>();
  readonly #byText = new Map<string, RunDefinition>();

  /** The definition with this text. Throws for what is no JSON. */
  readonly read = (text: string): RunDefinition => {
    return this.#byText.get(text) ?? this.#keep(frozenCopy(JSON.parse(text) as RunDefinition), text);
  };

  textOf(definition: RunDefinition): string {
    return this.#texts.get(definition) ?? JSON.stringify(definition);
  }

  /** A copy of a submission that nobody else can change. */
  newRunCopy(run: NewRun): NewRun {
    return {
      ...run,
      definition: this.#own(run.definition),
      parameters: frozenCopy(sortedByKey(run.parameters)),
      connections: frozenCopy(run.connections),
      runAt: dateCopy(run.runAt),
      startDeadline: dateCopy(run.startDeadline),
    };
  }

  #own(definition: RunDefinition): RunDefinition {
    if (this.#texts.has(definition)) return definition;
    const text = JSON.stringify(definition);
    return this.#byText.get(text) ?? this.#keep(frozenCopy(definition), text);
  }

  #keep(definition: RunDefinition, text: string): RunDefinition {
    this.#texts.set(definition, text);
    this.#byText.set(text, definition);
    const [oldest] = this.#byText.keys();
    if (oldest !== undefined && this.#byText.size > MOST) this.#byText.delete(oldest);
    return definition;
  }
}
