/** `base` with some members replaced. Everything else, private state included, stays with `base` itself. */
export function overlaid<T extends object>(base: T, members: Partial<T>): T {
  const read = (key: PropertyKey): unknown => {
    if (Object.hasOwn(members, key)) return Reflect.get(members, key);
    const value: unknown = Reflect.get(base, key, base);
    return typeof value === "function" ? (value.bind(base) as unknown) : value;
  };
  // A target of its own: the members of a frozen `base` could not be replaced.
  return new Proxy({} as T, { get: (_target, key) => read(key), has: (_target, key) => key in base });
}
