import { WIDTHS } from "./finding-statements.js";

/** A line of ready runs, as the index and as the rows name it. */
export interface ReadyLine {
  readonly stands: string;
  readonly connections: string;
}

/** Before the first line of ready runs, and behind the last. */
export const FIRST = "r";
export const LAST = "s";

/** More lines than this are not looked between: then all of them are looked for. */
const MOST = Math.max(...WIDTHS) - 1;

/**
 * The lines of ready runs that this process has seen, whether or not there are runs in them now: so that a claim finds in
 * one statement whether there is another one, where neither database skips from one line to the next by itself.
 */
export class ReadyLines {
  #lines: readonly ReadyLine[] = [];

  get connections(): readonly string[] {
    return this.#lines.map(({ connections }) => connections);
  }

  /** Between which there may be others: for each two that are neighbours, in order. */
  gaps(): readonly (readonly [from: string, to: string])[] {
    const edges = [FIRST, ...this.#lines.map(({ stands }) => stands), LAST];
    return edges.slice(1).map((to, at) => [edges[at] ?? FIRST, to]);
  }

  /** @param found all that there are, in order. */
  learn(found: readonly ReadyLine[]): void {
    const known = new Map([...this.#lines, ...found].map((line) => [line.stands, line]));
    const all = [...known.values()].sort((left, right) => Buffer.compare(bytes(left), bytes(right)));
    this.#lines = all.length <= MOST ? all : found.slice(0, MOST);
  }
}

function bytes({ stands }: ReadyLine): Buffer {
  return Buffer.from(stands);
}
