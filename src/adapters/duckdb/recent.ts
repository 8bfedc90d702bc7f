/** What was last known under some keys. When there are too many, the oldest is forgotten. */
export class Recent<V> {
  private readonly kept = new Map<string, V>();

  constructor(private readonly most: number) {}

  get(key: string): V | undefined {
    return this.kept.get(key);
  }

  set(key: string, value: V): void {
    const [oldest] = this.kept.keys();
    if (this.kept.size >= this.most && oldest !== undefined && !this.kept.has(key)) this.kept.delete(oldest);
    this.kept.set(key, value);
  }
}
