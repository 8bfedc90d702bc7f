// npm runs this after each change of node_modules (script "dependencies"). It adds the optional packages of other
// platforms that the registry in use did not have: npm leaves those out of package-lock.json, and then refuses the file
// in `npm ci` on every machine.
// They are pinned exactly by the package that wants them, so the version is known; only the hash is not.
import { readFileSync, writeFileSync } from "node:fs";

const PLATFORM =
  /[-/](?<os>darwin|linux|win32|android|freebsd|netbsd|openbsd|openharmony|sunos|aix)-(?<cpu>[a-z0-9]+)(?:-(?<abi>[a-z0-9]+))?$/;

const url = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(url, "utf8"));
const added = [];

for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (findInstalled(parent, name)) continue;
    const platform = PLATFORM.exec(name)?.groups;
    // Anything else that is missing is a mistake that `npm ci` should go on reporting.
    if (!platform || !/^\d/.test(version)) continue;
    const libc = { musl: "musl", musleabihf: "musl", gnu: "glibc", gnueabihf: "glibc" }[platform.abi];
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [platform.cpu],
      ...(dev ? { dev } : {}),
      ...(platform.os === "linux" && libc ? { libc: [libc] } : {}),
      optional: true,
      os: [platform.os],
    };
    added.push(name);
  }
}

if (added.length > 0) {
  const [root, ...rest] = Object.entries(lock.packages);
  lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => a.localeCompare(b, "en"))]);
  writeFileSync(url, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${added.length} packages of other platforms added to package-lock.json`);
}

/** Node's look-up: the parent's own node_modules, then that of each folder above. */
function findInstalled(parent, name) {
  for (let folder = parent; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    if (`${folder}${folder && "/"}node_modules/${name}` in lock.packages) return true;
    if (folder === "") return false;
  }
}
