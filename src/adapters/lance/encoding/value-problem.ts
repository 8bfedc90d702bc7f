import { type Data, DataType as Arrow, type DataType as ArrowType, type Field } from "apache-arrow";

/** What keeps values out of a column of Lance, though their type fits: a clause; undefined when nothing does. */
export function valueProblem(field: Field, data: Data): string | undefined {
  if (hasForbiddenNull(field, data)) return "takes no nulls, and the query yields one";
  // Lance lets them into a new table and refuses to append them: by then the permit would have been asked for.
  if (isVector(field.type as ArrowType) && hasNaN(data))
    return "is a vector, which takes no NaN, and the query yields one";
  return undefined;
}

/** Lance counts a part as null also where the whole is. */
function hasForbiddenNull({ nullable, type }: Field, data: Data): boolean {
  if (!nullable && data.nullCount > 0) return true;
  const parts = ((type as ArrowType).children ?? []) as readonly Field[];
  return parts.some((part, index) => hasForbiddenNull(part, data.children[index]!));
}

function isVector(type: ArrowType): boolean {
  return Arrow.isFixedSizeList(type) && Arrow.isFloat(type.valueType as ArrowType);
}

function hasNaN({ children }: Data): boolean {
  const items = children[0]!;
  const values = items.values as Float32Array | Float64Array;
  for (let index = 0; index < items.length; index++) {
    if (Number.isNaN(values[index]) && items.getValid(index)) return true;
  }
  return false;
}
