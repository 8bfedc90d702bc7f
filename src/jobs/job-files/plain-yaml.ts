import type { Alias, Node, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { keepsDigits } from "./keeps-digits.js";
import type { YamlFile } from "./parse-yaml.js";

/** Where a value stands: the offset of its key or list item, and its field as it is written there. */
export interface YamlPlace {
  readonly offset: number;
  readonly field: string;
}

export type ReportYaml = (place: YamlPlace, message: string) => void;

/** What aliases may still copy, in values and characters. */
export interface AliasBudget {
  left: number;
}

/** As deep as the values of parameters. */
const DEEPEST = 100;

/** Other spellings of fields, by their path, and the field they stand for. */
export const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["spec.destination.create_if_missing", "createIfMissing"],
  ["spec.execution.timeout_ms", "timeoutMs"],
]);

/**
 * Makes plain values of one document's nodes, and remembers where each stands. What cannot be one is reported, and null
 * goes in its place. Aliases are copies, as if the text stood there twice.
 */
export class PlainYaml {
  readonly #file: YamlFile;
  readonly #budget: AliasBudget;
  readonly #report: ReportYaml;
  readonly #places = new Map<string, YamlPlace>();
  readonly #anchors = new Map<string, Scalar | YAMLMap | YAMLSeq>();
  readonly #refused = new Set<string>();
  readonly #within = new Set<unknown>();
  #aliases = 0;

  constructor(file: YamlFile, budget: AliasBudget, report: ReportYaml) {
    this.#file = file;
    this.#budget = budget;
    this.#report = report;
  }

  /** The place of a path, or of what is nearest around it. */
  placeOf(path: string): YamlPlace {
    let known = path;
    while (known !== "" && !this.#places.has(known)) known = parentOf(known);
    const { offset, field } = this.#places.get(known) ?? { offset: 0, field: "" };
    return { offset, field: `${field}${path.slice(known.length)}`.replace(/^\./, "") };
  }

  /** Whether null stands in for a field or for what it is part of, so that no more can be said of it. */
  isRefused(field: string): boolean {
    let part = field;
    while (part !== "" && !this.#refused.has(part)) part = parentOf(part);
    return part !== "";
  }

  /** @param path by which {@link placeOf} will know it. */
  read(node: unknown, path: string, place: YamlPlace): unknown {
    const { yaml } = this.#file;
    this.#places.set(path, place);
    if (yaml.isAlias(node)) return this.#readAlias(node, path, place);
    if (!yaml.isScalar(node) && !yaml.isCollection(node)) return null;
    this.#note(node, place);
    if (this.#aliases > 0) this.#budget.left -= 1 + (yaml.isScalar(node) ? (node.source?.length ?? 0) : 0);
    if (yaml.isScalar(node)) return this.#readScalar(node, place);
    if (this.#within.size === DEEPEST) return this.#refuse(place, `is nested deeper than ${DEEPEST}`);
    this.#within.add(node);
    const value = yaml.isMap(node) ? this.#readMap(node, path, place) : this.#readItems(node.items, path, place);
    this.#within.delete(node);
    return value;
  }

  #readMap(map: YAMLMap, path: string, { field }: YamlPlace): unknown {
    const values = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const place = { offset: offsetOf(key), field };
      if (!this.#file.yaml.isScalar(key) || typeof key.value !== "string") {
        this.#report(place, "has a key that is no text");
        continue;
      }
      const written = { ...place, field: join(field, key.value) };
      this.#note(key, written);
      const name = SPELLINGS.get(join(path, key.value)) ?? key.value;
      const ownPath = join(path, name);
      if (values.has(name)) {
        const earlier = this.placeOf(ownPath);
        this.#report(
          written,
          `is given twice: ${earlier.field} stands in line ${this.#file.place(earlier.offset).line}`,
        );
      } else {
        values.set(name, this.read(value, ownPath, written));
      }
    }
    return Object.fromEntries(values);
  }

  #readItems(items: readonly unknown[], path: string, { field }: YamlPlace): unknown {
    return items.map((item, i) =>
      this.read(item, `${path}[${i}]`, { offset: offsetOf(item), field: `${field}[${i}]` }),
    );
  }

  #readScalar({ value, source }: Scalar, place: YamlPlace): unknown {
    if (typeof value === "bigint") {
      const number = value === 0n && source?.startsWith("-") ? -0 : Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    if (typeof value === "number" && !keepsDigits(source ?? "", value)) {
      return this.#refuse(place, "has more digits than a number keeps: put it in quotes");
    }
    return value;
  }

  #readAlias({ source }: Alias, path: string, place: YamlPlace): unknown {
    const anchored = this.#anchors.get(source);
    if (anchored === undefined) return this.#refuse(place, "is an alias without an anchor before it");
    if (this.#within.has(anchored)) return this.#refuse(place, "is an alias for what it stands in");
    if (this.#budget.left <= 0) return this.#refuse(place, "is an alias too many: those of a file copy too much");
    this.#aliases += 1;
    const value = this.read(anchored, path, place);
    this.#aliases -= 1;
    return value;
  }

  /** Anchors count in the order of the text; a later one of the same name takes its place. */
  #note(node: Scalar | YAMLMap | YAMLSeq, place: YamlPlace): void {
    if (node.tag !== undefined) this.#report(place, "has a tag, and none is taken");
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
  }

  #refuse(place: YamlPlace, message: string): null {
    this.#report(place, message);
    this.#refused.add(place.field);
    return null;
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("."), path.lastIndexOf("[")));
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
