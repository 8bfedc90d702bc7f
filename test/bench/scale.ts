/**
 * `MILLRACE_BENCH_SCALE=0.1` lets the benches of the ledger do with a tenth of their jobs and runs, to try them. Their figures
 * count at 1 only.
 */
export const SCALE = Number(process.env["MILLRACE_BENCH_SCALE"] ?? 1);

export function scaled(count: number): number {
  return Math.round(count * SCALE);
}
