import { type RecordBatch, Table, tableFromIPC, tableToIPC, Vector } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { BatchWriter } from "../../../src/adapters/arrow/batch-writer.js";
import { BooleanWriter, NullWriter } from "../../../src/adapters/arrow/columns/bit-writers.js";
import { BytesWriter } from "../../../src/adapters/arrow/columns/bytes-writer.js";
import type { ColumnWriter } from "../../../src/adapters/arrow/columns/column-writer.js";
import { DecimalWriter } from "../../../src/adapters/arrow/columns/decimal-writer.js";
import { EnumWriter } from "../../../src/adapters/arrow/columns/enum-writer.js";
import { ListWriter } from "../../../src/adapters/arrow/columns/list-writer.js";
import {
  Bytes16Writer,
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
  Int8Writer,
} from "../../../src/adapters/arrow/columns/number-writers.js";
import type { DataType } from "../../../src/model/data-type.js";
import type { TableSchema } from "../../../src/model/table-schema.js";

describe("BatchWriter", () => {
  it.each([
    ["8, signed", Int8Writer, { kind: "integer", bits: 8, signed: true }, [-128, 127, 0]],
    ["8, unsigned", Int8Writer, { kind: "integer", bits: 8, signed: false }, [0, 255]],
    ["16, signed", Int16Writer, { kind: "integer", bits: 16, signed: true }, [-32_768, 32_767]],
    ["16, unsigned", Int16Writer, { kind: "integer", bits: 16, signed: false }, [0, 65_535]],
    ["32, signed", Int32Writer, { kind: "integer", bits: 32, signed: true }, [-(2 ** 31), 2 ** 31 - 1]],
    ["32, unsigned", Int32Writer, { kind: "integer", bits: 32, signed: false }, [0, 2 ** 32 - 1]],
    ["single", Float32Writer, { kind: "float", bits: 32 }, [-0, Math.fround(0.1), Infinity, -Infinity, NaN]],
    ["double", Float64Writer, { kind: "float", bits: 64 }, [-0, 0.1, 5e-324, Infinity, -Infinity, NaN]],
  ] as const)("keeps numbers: %s", (_, kind, type, values) => {
    const read = column(type, (batch) => {
      const writer = batch.column<NumberWriter>(0, kind);
      for (const value of values) {
        writer.append(value);
        writer.appendNull();
        batch.endRow(2);
      }
    });
    expect(read).toEqual(values.flatMap((value) => [value, null]));
  });

  it.each([true, false])("keeps integers of 64 bits, signed: %s", (signed) => {
    const values = signed ? [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
    const read = column({ kind: "integer", bits: 64, signed }, (batch) => {
      const writer = batch.column(0, Int64Writer);
      for (const value of values) {
        writer.appendBigInt(value);
        writer.appendWords(Number(value & 0xffff_ffffn), Number(BigInt.asUintN(32, value >> 32n)));
        batch.endRow(2);
      }
    });
    expect(read).toEqual(values.flatMap((value) => [value, value]));
  });

  it("keeps whole numbers as integers of 64 bits", () => {
    const values = [0, 1, -1, 2 ** 32, -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    const read = column({ kind: "integer", bits: 64, signed: true }, (batch) => {
      for (const value of values) batch.column(0, Int64Writer).append(value);
      batch.endRow(values.length);
    });
    expect(read).toEqual(values.map(BigInt));
  });

  it("keeps booleans, behind nulls and before them", () => {
    const values = [true, null, false, null, null, null, null, null, null, true, false, null];
    const read = column({ kind: "boolean" }, (batch) => {
      const writer = batch.column(0, BooleanWriter);
      for (const value of values) {
        if (value === null) writer.appendNull();
        else writer.append(value);
        batch.endRow();
      }
    });
    expect(read).toEqual(values);
  });

  it("keeps texts of any length", () => {
    const values = ["", "a", "ß\u0000€", "😀".repeat(9), "x".repeat(70_000), null, "end"];
    const read = column({ kind: "text" }, (batch) => {
      const writer = batch.column(0, BytesWriter);
      for (const value of values) {
        if (value === null) {
          writer.appendNull();
          writer.appendNull();
        } else {
          const bytes = Buffer.from(`<${value}>`);
          writer.appendText(value);
          writer.appendBytes(bytes, 1, bytes.length - 1);
        }
        batch.endRow(2);
      }
    });
    expect(read).toEqual(values.flatMap((value) => [value, value]));
  });

  it("keeps bytes", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const read = column({ kind: "bytes" }, (batch) => {
      batch.column(0, BytesWriter).appendBytes(all, 0, 256);
      batch.column(0, BytesWriter).appendBytes(all, 7, 7);
      batch.endRow(2);
    });
    expect(read).toEqual([all, new Uint8Array(0)]);
  });

  it("keeps sixteen bytes in their order", () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, index) => 255 - index);
    const read = column({ kind: "uuid" }, (batch) => {
      const writer = batch.column(0, Bytes16Writer);
      writer.appendBytes(bytes, 1);
      writer.appendNull();
      writer.appendWords(0x04030201, 0x08070605, 0x0c0b0a09, 0xff0f0e0d);
      batch.endRow(3);
    });
    expect(read).toEqual([
      bytes.slice(1, 17),
      null,
      Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255]),
    ]);
  });

  it("keeps enums by number and by text, and tells a value that is none", () => {
    const values = Array.from({ length: 300 }, (_, index) => `v${index}`);
    for (const type of [values, values.slice(0, 255)]) {
      const read = column({ kind: "enum", values: type }, (batch) => {
        const writer = batch.column(0, EnumWriter);
        writer.append(type.length - 1);
        writer.appendNull();
        expect(writer.appendText("v7")).toBe(true);
        expect(writer.appendText("w")).toBe(false);
        batch.endRow(3);
      });
      expect(read).toEqual([type.at(-1), null, "v7"]);
    }
  });

  it("keeps lists, empty ones and nulls among the items", () => {
    const type: DataType = { kind: "list", item: { kind: "integer", bits: 32, signed: true } };
    const read = column(type, (batch) => {
      const lists = batch.column(0, ListWriter);
      const items = lists.item as Int32Writer;
      items.append(1);
      items.appendNull();
      lists.append();
      lists.append();
      lists.appendNull();
      items.append(3);
      lists.append();
      batch.endRow(4);
    });
    expect(read).toEqual([[1, null], [], null, [3]]);
  });

  it("keeps nulls of no type", () => {
    const read = column({ kind: "null" }, (batch) => {
      batch.column(0, NullWriter).appendNull();
      batch.endRow();
    });
    expect(read).toEqual([null]);
  });

  describe("decimals", () => {
    it.each([1, 4, 9, 15, 16, 17, 22, 37])("keeps %i digits of either sign, and not one more", (precision) => {
      const most = 10n ** BigInt(precision) - 1n;
      const values = [most, -most, 1n, -1n, 0n, 2n ** 32n % most, -(2n ** 32n % most)];
      const write = (value: bigint) => (writer: DecimalWriter) => writer.append(String(value));
      for (const value of values) expect(decimals(precision, 0, write(value))).toEqual([value]);
      for (const value of [most + 1n, -most - 1n]) {
        expect(() => decimals(precision, 0, write(value))).toThrow(/more digits before the point/);
      }
    });

    const EXTREMES = [
      "9".repeat(36) + ".99",
      "-" + "9".repeat(36) + ".99",
      "0.01",
      "-0.01",
      "0.00",
      "-1.00",
      "12345678901234.56",
    ];

    it.each(EXTREMES)("keeps %s from its digits", (text) => {
      expect(decimals(38, 2, (writer) => writer.append(text))).toEqual([unscaled(text)]);
    });

    it.each([
      ["7", 700n],
      ["+7.5", 750n],
      [".5", 50n],
      ["5.", 500n],
      ["000000000000000000000000000000000000000000000000001.500000000000000", 150n],
      ["-0", 0n],
    ])("takes %s", (text, value) => {
      expect(decimals(5, 2, (writer) => writer.append(text))).toEqual([value]);
    });

    it.each(["1000.00", "-1000.00", "9".repeat(60), "0.001", "1e3", "", "-", ".", "1.2.3", "NaN", " 1"])(
      "refuses %j by the column's name",
      (text) => {
        expect(() => decimals(5, 2, (writer) => writer.append(text))).toThrow(
          expect.objectContaining({ code: "query_failed", columns: ["value"] }),
        );
      },
    );

    it("says nothing of a value that it refuses", () => {
      expect(() => decimals(5, 2, (writer) => writer.append("1234567.00"))).toThrow(/^(?!.*1234567)/);
    });

    it("keeps groups of four digits at every scale", () => {
      for (let scale = 0; scale <= 38; scale++) {
        const digits = "12345678901234567890123456789012345678";
        const text = scale === 0 ? digits : `${digits.slice(0, 38 - scale)}.${digits.slice(38 - scale)}`;
        const { view, weight } = groupsOf(text);
        for (const isNegative of [false, true]) {
          const read = decimals(38, scale, (writer) =>
            writer.appendGroups(view, 0, view.byteLength / 2, weight, isNegative),
          );
          expect(read).toEqual([isNegative ? -BigInt(digits) : BigInt(digits)]);
        }
      }
    });

    it("takes groups that end before the point, or begin behind it", () => {
      const view = new DataView(Uint8Array.from([0, 5]).buffer);
      const read = decimals(20, 8, (writer) => {
        writer.appendGroups(view, 0, 1, 1, false);
        writer.appendGroups(view, 0, 1, -2, true);
        writer.appendGroups(view, 0, 0, 0, false);
      });
      expect(read).toEqual([5n * 10n ** 12n, -5n, 0n]);
    });

    it.each([
      ["the last group", 2, [0, 1], -1],
      ["a group beyond", 4, [0, 1], -2],
      ["a group far beyond", 4, [0, 1, 0, 0], -1],
    ])("refuses decimals that the type has no place for: %s", (_, scale, bytes, weight) => {
      const view = new DataView(Uint8Array.from(weight === -1 && bytes.length === 4 ? [0, 0, 0, 1] : bytes).buffer);
      expect(() =>
        decimals(10, scale, (writer) => writer.appendGroups(view, 0, view.byteLength / 2, weight, false)),
      ).toThrow(/more decimals/);
    });

    it("refuses a number that is far too large at once", () => {
      const view = new DataView(Uint8Array.from([0, 1]).buffer);
      expect(() => decimals(38, 0, (writer) => writer.appendGroups(view, 0, 1, 32_767, false))).toThrow(/more digits/);
    });
  });

  it("is full by rows and by bytes", () => {
    const table = schemaOf({ kind: "text" });
    const byRows = new BatchWriter(table, { maxRows: 2 });
    const byBytes = new BatchWriter(table, { maxBytes: 100 });
    for (const batch of [byRows, byBytes]) {
      batch.column(0, BytesWriter).appendText("x".repeat(40));
      batch.endRow();
      expect(batch.isFull).toBe(false);
      batch.column(0, BytesWriter).appendText("y".repeat(60));
      batch.endRow();
      expect(batch.isFull).toBe(true);
      expect(batch.take().numRows).toBe(2);
      expect(batch.isFull).toBe(false);
    }
  });

  it("counts the items of lists among the bytes", () => {
    const batch = new BatchWriter(schemaOf({ kind: "list", item: { kind: "uuid" } }), { maxBytes: 160 });
    const lists = batch.column(0, ListWriter);
    for (let item = 0; item < 9; item++) (lists.item as Bytes16Writer).appendNull();
    lists.append();
    batch.endRow();
    expect(batch.isFull).toBe(false);
    (lists.item as Bytes16Writer).appendNull();
    lists.append();
    batch.endRow();
    expect(batch.isFull).toBe(true);
  });

  it("gives every batch memory of its own", () => {
    const table: TableSchema = {
      columns: [
        { name: "a", type: { kind: "text" }, nullable: true },
        { name: "b", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
        { name: "c", type: { kind: "enum", values: ["x"] }, nullable: true },
        { name: "d", type: { kind: "boolean" }, nullable: true },
      ],
    };
    const batch = new BatchWriter(table);
    const taken: RecordBatch[] = [];
    for (let round = 0; round < 3; round++) {
      for (let row = 0; row < 100; row++) {
        batch.column(0, BytesWriter).appendText(`${round}/${row}`);
        batch.column(1, Int64Writer).append(row);
        batch.column(2, EnumWriter).append(0);
        if (row === 3) batch.column(3, BooleanWriter).appendNull();
        else batch.column(3, BooleanWriter).append(true);
        batch.endRow();
      }
      taken.push(batch.take());
    }
    const buffers = taken.flatMap(({ data }) =>
      data.children.flatMap((child) => [
        ...[child.values, child.valueOffsets, child.nullBitmap].filter(
          (part) => (part as Uint8Array | undefined)?.byteLength,
        ),
        ...(child.dictionary?.data.map((part) => part.values as Uint8Array) ?? []),
      ]),
    );
    const owned = buffers.map((view) => (view as Uint8Array).buffer);
    expect(new Set(owned).size).toBe(owned.length);
    structuredClone(null, { transfer: owned as ArrayBuffer[] });
    expect(owned.every((buffer) => buffer.byteLength === 0)).toBe(true);
  });

  it("refuses a type that Arrow has no place for, by the column's name", () => {
    expect(() => new BatchWriter(schemaOf({ kind: "opaque", name: "point" }))).toThrow(
      expect.objectContaining({ code: "unsupported_query", columns: ["value"] }),
    );
  });

  it("refuses columns of different lengths and the wrong writer", () => {
    const batch = new BatchWriter(schemaOf({ kind: "text" }));
    expect(() => batch.column(0, Int32Writer)).toThrow(/BytesWriter and not by Int32Writer/);
    batch.endRow();
    expect(() => batch.take()).toThrow(RangeError);
  });
});

type NumberWriter = Pick<Int32Writer, "append" | keyof ColumnWriter>;

function schemaOf(type: DataType): TableSchema {
  return { columns: [{ name: "value", type, nullable: true }] };
}

/** What Arrow reads of a column that was written, there and back through Arrow's own format. */
function column(type: DataType, write: (batch: BatchWriter) => void): unknown[] {
  const batch = new BatchWriter(schemaOf(type));
  write(batch);
  const table = new Table([batch.take()]);
  const values = valuesOf(table);
  expect(valuesOf(tableFromIPC(tableToIPC(table)))).toEqual(values);
  return values;
}

function valuesOf(table: Table): unknown[] {
  const values = [...table.getChildAt(0)!] as unknown[];
  return values.map((value) => (value instanceof Vector ? ([...value] as unknown[]) : value));
}

function decimals(precision: number, scale: number, write: (writer: DecimalWriter) => void): bigint[] {
  const batch = new BatchWriter(schemaOf({ kind: "decimal", precision, scale }));
  const writer = batch.column(0, DecimalWriter);
  write(writer);
  batch.endRow(writer.length);
  const { values } = batch.take().data.children[0]!;
  const words = values as Uint32Array;
  return Array.from({ length: words.length / 4 }, (_, row) => {
    const word = (index: number): bigint => BigInt(words[4 * row + index]!) << BigInt(32 * index);
    return BigInt.asIntN(128, word(0) | word(1) | word(2) | word(3));
  });
}

function unscaled(text: string): bigint {
  return BigInt(text.replace(".", ""));
}

/** As Postgres lays digits out: groups of four around the point. */
function groupsOf(text: string): { view: DataView; weight: number } {
  const [whole = "", decimals = ""] = text.split(".");
  const groups = Math.ceil(whole.length / 4);
  const digits = whole.padStart(4 * groups, "0") + decimals.padEnd(4 * Math.ceil(decimals.length / 4), "0");
  const view = new DataView(new ArrayBuffer(digits.length / 2));
  for (let at = 0; at < digits.length; at += 4) view.setUint16(at / 2, Number(digits.slice(at, at + 4)));
  return { view, weight: groups - 1 };
}
