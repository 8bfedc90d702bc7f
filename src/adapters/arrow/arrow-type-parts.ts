import type { DataType as ArrowType, Field } from "apache-arrow";

// Arrow for JavaScript types these as `any`.

export function fieldType(field: Field): ArrowType {
  return field.type as ArrowType;
}

export function childFields(field: Field): readonly Field[] {
  return fieldType(field).children;
}

export function childField(field: Field, index: number): Field {
  return childFields(field)[index]!;
}

/** The type as Arrow spells it: `Float16`, `Timestamp<SECOND>`. */
export function arrowTypeName(type: ArrowType): string {
  return (type as { toString(): string }).toString();
}
