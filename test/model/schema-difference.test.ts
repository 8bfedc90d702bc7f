import { describe, expect, it } from "vitest";
import type { DataType } from "../../src/model/data-type.js";
import { describeFindings, schemaDifference } from "../../src/model/schema-difference.js";
import type { Column, TableSchema } from "../../src/model/table-schema.js";

const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const INTEGER: DataType = { kind: "integer", bits: 32, signed: true };
const TEXT: DataType = { kind: "text" };

function schema(...columns: (Partial<Column> & { name: string })[]): TableSchema {
  return { columns: columns.map((column) => ({ type: BIGINT, nullable: true, ...column })) };
}

describe("schema difference", () => {
  it("finds nothing between equal columns, whatever their order", () => {
    const produced = schema({ name: "b", type: TEXT }, { name: "a" });
    expect(schemaDifference({ produced, existing: schema({ name: "a" }, { name: "b", type: TEXT }) })).toEqual([]);
  });

  it("finds keys that the query does not yield, and says when one differs in case", () => {
    const produced = schema({ name: "id" }, { name: "Day" });
    const findings = schemaDifference({ produced, existing: null, keys: ["id", "day", "place"] });
    expect(findings).toEqual([
      { kind: "missing_key", column: "day", similar: "Day" },
      { kind: "missing_key", column: "place" },
    ]);
    expect(describeFindings(findings)).toBe(
      'the query yields no column "day", which is a key of the write mode, but "Day", which differs in case; ' +
        'the query yields no column "place", which is a key of the write mode',
    );
  });

  it("takes a type of which every value fits", () => {
    expect(
      schemaDifference({ produced: schema({ name: "a", type: INTEGER }), existing: schema({ name: "a" }) }),
    ).toEqual([]);
  });

  it("reports every finding at once, in one clause", () => {
    const findings = schemaDifference({
      produced: schema({ name: "extra" }, { name: "Id" }, { name: "total" }, { name: "wide" }),
      existing: schema(
        { name: "wide", type: INTEGER },
        { name: "total", generated: true },
        { name: "id", nullable: false },
        { name: "made", nullable: false, hasDefault: true },
        { name: "sum", nullable: false, generated: true },
        { name: "free" },
      ),
    });
    expect(findings).toEqual([
      { kind: "extra_column", column: "extra" },
      { kind: "extra_column", column: "Id", similar: "id" },
      { kind: "generated_column", column: "total" },
      { kind: "not_storable", column: "wide", type: "BIGINT", reason: "not every BIGINT is a INTEGER" },
      { kind: "missing_column", column: "id" },
    ]);
    expect(describeFindings(findings)).toBe(
      'the table has no column "extra"; ' +
        'the table has no column "Id", but "id", which differs in case: write "Id" as "id"; ' +
        'column "total" is computed by the system and cannot be written; ' +
        'column "wide" of type BIGINT cannot be stored without loss: not every BIGINT is a INTEGER; ' +
        'the table\'s column "id" must have a value, and the query does not yield it',
    );
  });

  it("does not look at whether matching columns take nulls", () => {
    expect(
      schemaDifference({ produced: schema({ name: "a" }), existing: schema({ name: "a", nullable: false }) }),
    ).toEqual([]);
  });

  it("asks the destination's own rule, also for a table that is to be made", () => {
    const asked: [DataType, Column | null][] = [];
    const storage = (type: DataType, column: Column | null) => {
      asked.push([type, column]);
      return { stored: false, reason: "it may not" } as const;
    };
    const existing = schema({ name: "a" });
    const produced = schema({ name: "a", type: TEXT });
    const finding = { kind: "not_storable", column: "a", type: "VARCHAR", reason: "it may not" };
    expect(schemaDifference({ produced, existing, storage })).toEqual([finding]);
    expect(schemaDifference({ produced, existing: null, storage })).toEqual([finding]);
    expect(asked).toEqual([
      [TEXT, existing.columns[0]],
      [TEXT, null],
    ]);
  });

  it("lets a table that is to be made take every type by default", () => {
    expect(schemaDifference({ produced: schema({ name: "a" }), existing: null })).toEqual([]);
  });
});
