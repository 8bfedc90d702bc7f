import type { ParameterValue, StateDeclaration } from "../model/job-definition.js";

/**
 * The one of two values of a state that lies farther along its way: the greater for `max`, the lesser for `min`, in the order
 * of {@link LastValue}. Both are in their kept form.
 */
export function fartherValue(
  { type, take }: StateDeclaration,
  left: ParameterValue,
  right: ParameterValue,
): ParameterValue {
  const isBehind = compare(type.kind, left, right) * (take === "max" ? 1 : -1) < 0;
  return isBehind ? right : left;
}

function compare(kind: StateDeclaration["type"]["kind"], left: ParameterValue, right: ParameterValue): number {
  switch (kind) {
    case "integer":
      return sign(BigInt(left as number | string), BigInt(right as number | string));
    case "float":
      return sign(Number(left), Number(right));
    case "decimal":
      // Both have as many digits behind the point as their type says.
      return sign(unscaled(left), unscaled(right));
    default:
      // Dates and times are written with all their digits, the largest unit first.
      return Buffer.compare(Buffer.from(left as string), Buffer.from(right as string));
  }
}

function sign<T extends number | bigint>(left: T, right: T): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function unscaled(value: ParameterValue): bigint {
  return BigInt((value as string).replace(".", ""));
}
