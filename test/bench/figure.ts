/** One measured figure beside the bound it is held to. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The bound in words, such as "at least 1.1"; absent for a figure that is only reported. */
  readonly bound?: string;
  readonly met?: boolean;
}

/** A figure that must not be below `bound`. */
export function atLeast(name: string, value: number, bound: number, unit: string): Figure {
  return { name, value, unit, bound: `at least ${bound}`, met: value >= bound };
}

/** A figure that must not be above `bound`. */
export function atMost(name: string, value: number, bound: number, unit: string): Figure {
  return { name, value, unit, bound: `at most ${bound}`, met: value <= bound };
}

/** A figure without a bound. */
export function reported(name: string, value: number, unit: string): Figure {
  return { name, value, unit };
}

export function printFigure({ name, value, unit, bound, met }: Figure): void {
  const verdict = met === undefined ? "" : met ? "  ok " : "  MISSED";
  console.log(
    `${name.padEnd(96)} ${value.toFixed(2).padStart(10)} ${unit.padEnd(8)} ${(bound ?? "").padEnd(16)}${verdict}`,
  );
}

/** The value below which the given share of the sample lies. */
export function percentile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(sample: readonly number[]): number {
  return percentile(sample, 0.5);
}
