/** A binary heap: what comes first by `before` is at the top. */
export class RunHeap<T> {
  readonly #items: T[] = [];

  /** @param before whether the left one comes out before the right one. */
  constructor(private readonly before: (left: T, right: T) => boolean) {}

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    for (let parent = (at - 1) >> 1; at > 0; at = parent, parent = (at - 1) >> 1) {
      const above = items[parent] as T;
      if (!this.before(item, above)) break;
      items[at] = above;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last !== undefined && items.length > 0) this.#sink(last);
    return top;
  }

  // Puts the item at the top, and lets it fall to its place.
  #sink(item: T): void {
    const items = this.#items;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      const right = items[child + 1];
      if (right !== undefined && this.before(right, items[child] as T)) child += 1;
      const below = items[child] as T;
      if (!this.before(below, item)) break;
      items[at] = below;
      at = child;
    }
    items[at] = item;
  }
}
