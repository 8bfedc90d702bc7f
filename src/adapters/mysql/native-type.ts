import type { DataType, TimestampUnit } from "../../model/data-type.js";

/** A type as the catalogue spells it: `decimal(10,2) unsigned`, `varchar(20)`, `enum('a','b')`. */
export interface NativeType {
  /** In lower case, without what stands behind it: `decimal`. */
  readonly name: string;
  readonly modifiers: readonly number[];
  readonly unsigned: boolean;
  /** Of an enum or a set. */
  readonly labels: readonly string[];
}

export function parseNativeType(text: string): NativeType {
  const [, name = text, inside = "", attributes = ""] = /^(\w+)(?:\((.*)\))?(.*)$/s.exec(text) ?? [];
  const isLabelled = LABELLED.has(name.toLowerCase());
  return {
    name: name.toLowerCase(),
    modifiers: isLabelled || inside === "" ? [] : inside.split(",").map(Number),
    unsigned: / unsigned\b/i.test(attributes),
    labels: isLabelled
      ? [...inside.matchAll(/'((?:[^'\\]|''|\\.)*)'/gs)].map(([, label = ""]) => unescaped(label))
      : [],
  };
}

const LABELLED: ReadonlySet<string> = new Set(["enum", "set"]);

/** The catalogue doubles quotes, and spells some characters with a backslash. */
function unescaped(label: string): string {
  return label.replaceAll(/''|\\(.)/gs, (_, escaped: string | undefined) => {
    return escaped === undefined ? "'" : (ESCAPED[escaped] ?? escaped);
  });
}

const ESCAPED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "0": "\0" };

/** How many bits an integer type has. */
export const INTEGER_BITS: Readonly<Record<string, 8 | 16 | 24 | 32 | 64>> = {
  tinyint: 8,
  smallint: 16,
  mediumint: 24,
  int: 32,
  bigint: 64,
};

/** How many bytes a text or bytes of a type have at most. */
export const MOST_BYTES: Readonly<Record<string, number>> = {
  tinytext: 0xff,
  text: 0xffff,
  mediumtext: 0xff_ffff,
  longtext: 0xffff_ffff,
  tinyblob: 0xff,
  blob: 0xffff,
  mediumblob: 0xff_ffff,
  longblob: 0xffff_ffff,
};

/** In the model's words, what a column holds; what has no word there is opaque. */
export function dataTypeOfNative(text: string): DataType {
  const native = parseNativeType(text);
  const { name, modifiers, unsigned, labels } = native;
  const [first, second = 0] = modifiers;
  const bits = INTEGER_BITS[name];
  if (bits !== undefined) return { kind: "integer", bits: bits === 24 ? 32 : bits, signed: !unsigned };
  switch (name) {
    case "decimal":
      if (first === undefined || first > 38 || second > first) break;
      return { kind: "decimal", precision: first, scale: second };
    case "enum":
      return { kind: "enum", values: labels };
    case "time":
      return { kind: "time", unit: "us", zoned: false };
    case "datetime":
    case "timestamp":
      return { kind: "timestamp", unit: unitOf(first ?? 0), zoned: name === "timestamp" };
    default:
      if (name.endsWith("text")) return { kind: "text" };
      if (name.endsWith("blob")) return { kind: "bytes" };
  }
  return PLAIN[name] ?? { kind: "opaque", name: text };
}

/** The finest unit of which a column with so many digits behind the second keeps every value. */
export function unitOf(digits: number): TimestampUnit {
  return digits >= 6 ? "us" : digits >= 3 ? "ms" : "s";
}

const PLAIN: Readonly<Record<string, DataType>> = {
  float: { kind: "float", bits: 32 },
  double: { kind: "float", bits: 64 },
  char: { kind: "text" },
  varchar: { kind: "text" },
  set: { kind: "text" },
  json: { kind: "json" },
  binary: { kind: "bytes" },
  varbinary: { kind: "bytes" },
  bit: { kind: "bit" },
  date: { kind: "date" },
  year: { kind: "integer", bits: 16, signed: true },
  uuid: { kind: "uuid" },
};
