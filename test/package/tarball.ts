/**
 * Packs the package, installs the tarball in a fresh folder and uses it there, as a stranger would: from ESM, CommonJS
 * and TypeScript, and bundled. Expects a finished `npm run build`. Each step prints one line; the first failure ends it.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Format } from "esbuild";
import { installNode, type NodeInstallation } from "./install-node.js";

/** Beside the Node that runs this. */
const NEWER_NODES = [22, 24];

const root = join(import.meta.dirname, "../..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);
const folder = mkdtempSync(join(tmpdir(), "millrace-tarball-"));

function run(command: string, args: readonly string[], cwd = folder): string {
  // A host that does not end by itself has left a handle open: the limit turns that into a failure.
  return execFileSync(command, args, { cwd, encoding: "utf8", timeout: 120_000, stdio: ["ignore", "pipe", "pipe"] });
}

async function step(name: string, act: () => unknown): Promise<void> {
  const startedAt = Date.now();
  try {
    await act();
  } catch (error) {
    console.error(`FAIL ${name}`);
    throw error;
  }
  console.log(`ok   ${name} (${Date.now() - startedAt} ms)`);
}

/** The version in this checkout, so that the packed package meets what it was developed with. */
function installedVersion(name: string): string {
  const text = readFileSync(join(root, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

const INSTALL = ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];

function writePackage(into: string, tarball: string, others: readonly string[]): void {
  const versions = Object.fromEntries(others.map((name) => [name, installedVersion(name)]));
  const dependencies = { millrace: `file:${tarball}`, ...versions };
  writeFileSync(join(into, "package.json"), JSON.stringify({ private: true, dependencies }));
}

function install(tarball: string): void {
  writePackage(folder, tarball, ["apache-arrow", "typescript", "@types/node"]);
  run("npm", INSTALL);
  // The addon's install script may compile for a minute: take the build that `npm ci` made for this checkout.
  const addon = "node_modules/better-sqlite3/build/Release";
  cpSync(join(root, addon), join(folder, addon), { recursive: true });
}

async function bundleHost(format: Format): Promise<void> {
  const outfile = join(folder, format === "esm" ? "bundled.mjs" : "bundled.cjs");
  await build({
    entryPoints: [join(folder, "sqlite.mjs")],
    outfile,
    bundle: true,
    format,
    platform: "node",
    target: "node20",
    external: ["better-sqlite3", "@duckdb/*", "apache-arrow"],
    // esbuild says that import.meta is empty in a CommonJS bundle: the case under test.
    logOverride: { "empty-import-meta": "silent" },
    logLevel: "error",
  });
  run("node", [outfile]);
}

/** Copies the type tests beside the consumer's own file, and checks all against the published declarations. */
function checkTypes(moduleResolution: "node16" | "bundler"): void {
  const tests = join(root, "test/types");
  mkdirSync(join(folder, "types"), { recursive: true });
  for (const file of readdirSync(tests).filter((name) => name.endsWith(".ts"))) {
    cpSync(join(tests, file), join(folder, "types", file));
  }
  // The same text as a CommonJS module reads the .d.cts files.
  cpSync(join(folder, "typed-host.ts"), join(folder, "typed-host-from-cjs.cts"));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "es2022",
        module: moduleResolution === "node16" ? "node16" : "esnext",
        moduleResolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        // Declarations of others are theirs to check; a missing file or name of ours is still an error.
        skipLibCheck: true,
        types: ["node"],
      },
      include: ["*.ts", "*.cts", "types"],
    }),
  );
  run("node", ["node_modules/typescript/bin/tsc", "-p", "."]);
}

/** Installs the tarball as that Node's npm resolves it, and runs every host once more. */
function hostsOn(node: NodeInstallation, tarball: string): void {
  cpSync(join(import.meta.dirname, "consumer"), node.folder, { recursive: true });
  for (const bundle of ["bundled.mjs", "bundled.cjs"]) cpSync(join(folder, bundle), join(node.folder, bundle));
  writePackage(node.folder, tarball, ["apache-arrow"]);
  // Its SQLite addon comes with binaries for these versions: nothing is compiled.
  node.run("npm", INSTALL);
  for (const format of ["esm", "cjs"]) node.run("node", ["importing.mjs", format]);
  for (const host of ["both-formats.mjs", "esm.mjs", "cjs.cjs", "sqlite.mjs", "bundled.mjs", "bundled.cjs"]) {
    node.run("node", [host]);
  }
}

try {
  let tarball = "";
  await step("pack", () => {
    const packed = run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root);
    const [first] = JSON.parse(packed) as [{ filename: string; size: number }];
    tarball = join(folder, first.filename);
  });
  await step("publint", () => run(bin("publint"), ["run", tarball, "--strict"]));
  // node10 ignores "exports", so sub-paths cannot work there; Node 20 and every current bundler read them.
  await step("are the types wrong", () => run(bin("attw"), [tarball, "--profile", "node16"]));
  await step("install", () => {
    cpSync(join(import.meta.dirname, "consumer"), folder, { recursive: true });
    install(tarball);
  });
  await step("importing from ESM", () => process.stdout.write(run("node", ["importing.mjs", "esm"])));
  await step("importing from CommonJS", () => process.stdout.write(run("node", ["importing.mjs", "cjs"])));
  await step("errors across both formats", () => run("node", ["both-formats.mjs"]));
  await step("a job from ESM", () => run("node", ["esm.mjs"]));
  await step("a job from CommonJS", () => run("node", ["cjs.cjs"]));
  await step("a job into SQLite", () => run("node", ["sqlite.mjs"]));
  await step("a host bundled to ESM", () => bundleHost("esm"));
  await step("a host bundled to CommonJS", () => bundleHost("cjs"));
  await step("types with node16", () => checkTypes("node16"));
  await step("types with bundler", () => checkTypes("bundler"));
  for (const version of NEWER_NODES) {
    const node = installNode(version, folder);
    if (node === undefined) console.log(`SKIP Node ${version}: its package has binaries for Linux on x64 only`);
    else await step(`the same hosts on Node ${version}`, () => hostsOn(node, tarball));
  }
} catch (error) {
  // What a command printed says more than the error of having run it, whose message repeats only half of it.
  const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
  console.error(stdout || stderr ? `${stdout}${stderr}` : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
