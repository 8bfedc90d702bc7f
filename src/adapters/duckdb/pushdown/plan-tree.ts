/** A part of a plan as `json_serialize_plan` writes it. Its numbers are texts, so that none of them is rounded. */
export type PlanNode = Readonly<Record<string, unknown>>;

/** The optimised plan of the one statement in the text, or undefined where DuckDB could not write it down. */
export function parsePlan(json: string): PlanNode | undefined {
  if (json === "") return undefined;
  const { error, plans } = JSON.parse(numbersAsTexts(json)) as PlanNode;
  const statements = planNodes(plans);
  return error === false && statements.length === 1 ? statements[0] : undefined;
}

/** The parts in a list, which is left out of a plan when it is empty. */
export function planNodes(value: unknown): readonly PlanNode[] {
  return Array.isArray(value) ? value.filter(isPlanNode) : [];
}

export function isPlanNode(value: unknown): value is PlanNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number of the plan that has to be a place in a list; -1 for any other. */
export function placeOf(value: unknown): number {
  const place = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : -1;
  return place;
}

function numbersAsTexts(json: string): string {
  return json.replace(TEXT_OR_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`));
}

/** DuckDB writes numbers of 64 bits, and some that JSON does not have. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?(?:\d[\d.eE+-]*|Infinity|NaN)/g;
