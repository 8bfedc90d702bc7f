import type { RunEntry } from "./run-entry.js";

/** Large enough that there are few blocks, small enough that moving the rest of one costs little. */
const BLOCK = 512;

/**
 * Entries in the order of their numbers. They lie in blocks, so that one can be put in or taken out anywhere among
 * millions without moving them all.
 */
export class RunList {
  readonly #blocks: RunEntry[][] = [];

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  add(entry: RunEntry): void {
    const at = this.#blockBefore(entry.number + 1);
    const block = this.#blocks[at];
    if (block === undefined || (block.length >= BLOCK && at === this.#blocks.length - 1 && isLast(block, entry))) {
      this.#blocks.push([entry]);
      return;
    }
    const index = countBelow(block, entry.number);
    if (index === block.length) block.push(entry);
    else block.splice(index, 0, entry);
    if (block.length > 2 * BLOCK) this.#blocks.splice(at + 1, 0, block.splice(BLOCK));
  }

  delete(entry: RunEntry): void {
    const at = this.#blockBefore(entry.number + 1);
    const block = this.#blocks[at];
    const index = block ? countBelow(block, entry.number) : 0;
    if (block?.[index] !== entry) return;
    // Mostly the oldest goes first.
    if (index === 0) block.shift();
    else block.splice(index, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** The entries of smaller numbers, newest first, at most so many. */
  below(number: number, count: number): readonly RunEntry[] {
    const found: RunEntry[] = [];
    for (let at = this.#blockBefore(number); at >= 0; at -= 1) {
      const block = this.#blocks[at] ?? [];
      for (let index = countBelow(block, number) - 1; index >= 0; index -= 1) {
        if (found.length >= count) return found;
        found.push(block[index] as RunEntry);
      }
    }
    return found;
  }

  // The last block that begins below a number, or the first one; -1 when there is none at all.
  #blockBefore(number: number): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocks[middle]?.[0]?.number ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, Math.min(0, this.#blocks.length - 1));
  }
}

function isLast(block: readonly RunEntry[], { number }: RunEntry): boolean {
  return (block.at(-1)?.number ?? 0) < number;
}

// How many entries have a smaller number.
function countBelow(entries: readonly RunEntry[], number: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as RunEntry).number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
