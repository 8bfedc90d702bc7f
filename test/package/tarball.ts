/**
 * Packs the package, installs the tarball in a fresh folder and uses it there, as a stranger would: from ESM, CommonJS
 * and TypeScript, and bundled, first without the peers that are optional. Expects a finished `npm run build`. Each step prints one line; the first failure ends it.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Format } from "esbuild";
import { entryPoints } from "../../build/entry-points.js";
import { installNode, type NodeInstallation } from "./install-node.js";
import { checkSizes } from "./size-limits.js";

/** Beside the Node that runs this. */
const NEWER_NODES = [22, 24];

const ENTRIES = Object.keys(entryPoints).map((name) => (name === "index" ? "millrace" : `millrace/${name}`));
/** What is run as it stands. */
const HOSTS = ["both-formats.mjs", "esm.mjs", "cjs.cjs", "job-files.mjs", "sqlite.mjs", "lance.mjs"];
/** What is also run out of a bundle: their workers have no file. */
const BUNDLED = ["sqlite", "lance"];
/** What bundlers leave out, and a folder of bundles needs. */
const DRIVERS = ["better-sqlite3", "@duckdb/", "@lancedb/", "apache-arrow"];

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

/**
 * Bundles a host as its author might, and runs it where nothing is but the bundle and the drivers, which no bundler takes:
 * in particular no file of Millrace's, so that a worker must come out of the bundle.
 */
async function runBundled(host: string, format: Format): Promise<void> {
  const outfile = join(folder, "deployed", `${host}.${format === "esm" ? "mjs" : "cjs"}`);
  await build({
    entryPoints: [join(folder, `${host}.mjs`)],
    outfile,
    bundle: true,
    format,
    platform: "node",
    target: "node20",
    external: DRIVERS.map((name) => `${name}*`),
    // esbuild says that import.meta is empty in a CommonJS bundle: the case under test.
    logOverride: { "empty-import-meta": "silent" },
    logLevel: "error",
  });
  run("node", [outfile], join(folder, "deployed"));
}

/** A folder for bundles beside the drivers, whichever of them are installed. */
function linkDrivers(): void {
  const packages = join(folder, "deployed/node_modules");
  mkdirSync(packages, { recursive: true });
  for (const driver of DRIVERS) {
    const name = driver.replace(/\/$/, "");
    symlinkSync(join(folder, "node_modules", name), join(packages, name));
  }
}

/** The driver of this checkout: it is large, and brings what a host of Lance's own would have to refuse. */
function linkLance(into: string): void {
  symlinkSync(join(root, "node_modules/@lancedb"), join(into, "node_modules/@lancedb"));
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
        // Ours too are checked, and what they name must be there: no optional peer is.
        skipLibCheck: false,
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
  const bundles = readdirSync(join(folder, "deployed")).filter((name) => name !== "node_modules");
  for (const name of bundles) cpSync(join(folder, "deployed", name), join(node.folder, `bundled-${name}`));
  writePackage(node.folder, tarball, ["apache-arrow"]);
  // Its SQLite addon comes with binaries for these versions: nothing is compiled.
  node.run("npm", INSTALL);
  for (const format of ["esm", "cjs"]) for (const entry of ENTRIES) node.run("node", ["importing.mjs", format, entry]);
  linkLance(node.folder);
  for (const host of [...HOSTS, ...bundles.map((name) => `bundled-${name}`)]) node.run("node", [host]);
}

try {
  let tarball = "";
  let unpacked = 0;
  await step("pack", () => {
    const packed = run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root);
    const [first] = JSON.parse(packed) as [{ filename: string; unpackedSize: number }];
    tarball = join(folder, first.filename);
    unpacked = first.unpackedSize;
  });
  await step("publint", () => run(bin("publint"), ["run", tarball, "--strict"]));
  // node10 ignores "exports", so sub-paths cannot work there; Node 20 and every current bundler read them.
  await step("are the types wrong", () => run(bin("attw"), [tarball, "--profile", "node16"]));
  await step("install", () => {
    cpSync(join(import.meta.dirname, "consumer"), folder, { recursive: true });
    install(tarball);
  });
  await step("sizes", async () => process.stdout.write(await checkSizes(folder, unpacked)));
  for (const format of ["esm", "cjs"]) {
    await step(`importing from ${format}`, () => {
      for (const entry of ENTRIES) process.stdout.write(run("node", ["importing.mjs", format, entry]));
    });
  }
  await step("types with node16", () => checkTypes("node16"));
  await step("types with bundler", () => checkTypes("bundler"));
  await step("Lance without its driver", () => run("node", ["lance.mjs", "without-driver"]));
  linkLance(folder);
  for (const host of HOSTS) await step(`the host ${host}`, () => run("node", [host]));
  linkDrivers();
  for (const format of ["esm", "cjs"] as const) {
    for (const host of BUNDLED) await step(`${host} bundled to ${format}`, () => runBundled(host, format));
  }
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
