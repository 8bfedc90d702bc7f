import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** Why a section of the bench cannot be measured; undefined: the program is there. */
export function programMissing(program: string): string | undefined {
  const { error } = spawnSync(program, ["--version"], { stdio: "ignore" });
  return error === undefined ? undefined : `the program ${program} is not installed`;
}

/** Runs a program to its end, and throws what it says when that is not a good one. What it prints goes nowhere. */
export async function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${complaints}`);
}

/** Says loudly what is left out, and why. */
export function notMeasured(why: string): void {
  console.warn(`NOT MEASURED: ${why}`);
}
