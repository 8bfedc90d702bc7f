import type { RunEntry } from "./run-entry.js";

/** A binary heap: what comes first by `before` is at the top. Each entry knows its place, so that it can be taken out from anywhere. */
export class RunHeap {
  readonly #entries: RunEntry[] = [];

  /**
   * @param before whether the left one comes out before the right one.
   * @param place where an entry keeps its place in this heap.
   */
  constructor(
    private readonly before: (left: RunEntry, right: RunEntry) => boolean,
    private readonly place: "inLine" | "inDeadlines" = "inLine",
  ) {}

  get size(): number {
    return this.#entries.length;
  }

  peek(): RunEntry | undefined {
    return this.#entries[0];
  }

  push(entry: RunEntry): void {
    this.#raise(entry, this.#entries.push(entry) - 1);
  }

  delete(entry: RunEntry): void {
    const at = entry[this.place];
    if (this.#entries[at] !== entry) return;
    entry[this.place] = -1;
    const last = this.#entries.pop() as RunEntry;
    if (last === entry) return;
    this.#sink(last, at);
    if (last[this.place] === at) this.#raise(last, at);
  }

  // Puts the entry at a place, and lets it rise to where it belongs.
  #raise(entry: RunEntry, from: number): void {
    let at = from;
    for (let parent = (at - 1) >> 1; at > 0; at = parent, parent = (at - 1) >> 1) {
      const above = this.#entries[parent] as RunEntry;
      if (!this.before(entry, above)) break;
      this.#put(above, at);
    }
    this.#put(entry, at);
  }

  // Puts the entry at a place, and lets it fall to where it belongs.
  #sink(entry: RunEntry, from: number): void {
    const entries = this.#entries;
    let at = from;
    for (let child = 2 * at + 1; child < entries.length; child = 2 * at + 1) {
      const right = entries[child + 1];
      if (right !== undefined && this.before(right, entries[child] as RunEntry)) child += 1;
      const below = entries[child] as RunEntry;
      if (!this.before(below, entry)) break;
      this.#put(below, at);
      at = child;
    }
    this.#put(entry, at);
  }

  #put(entry: RunEntry, at: number): void {
    this.#entries[at] = entry;
    entry[this.place] = at;
  }
}
