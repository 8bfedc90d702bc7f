import type { Dictionary, Utf8 } from "apache-arrow";
import type { DataParts } from "../arrow-data.js";
import { dictionaryMaker } from "../enum-dictionary.js";
import { FixedWriter } from "./fixed-writer.js";

type Keys = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Enums: the number of each value among those of the type. */
export class EnumWriter extends FixedWriter<Keys> {
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #dictionary: ReturnType<typeof dictionaryMaker>;

  constructor(type: Dictionary<Utf8>, values: readonly string[]) {
    super(type, type.indices.ArrayType as new (length: number) => Keys);
    this.#numbers = new Map(values.map((value, index) => [value, index]));
    this.#dictionary = dictionaryMaker(values);
  }

  append(index: number): void {
    const row = this.rows.append();
    if (row >= this.values.length) this.reach(row);
    this.values[row] = index;
  }

  /** Whether this is one of the values: if not, nothing is appended. */
  appendText(value: string): boolean {
    const index = this.#numbers.get(value);
    if (index === undefined) return false;
    this.append(index);
    return true;
  }

  protected override parts(): DataParts {
    return { dictionary: this.#dictionary() };
  }
}
