/**
 * Makes sure of the servers that the tests start and npm does not bring: MariaDB, from the system's packages. Where that
 * cannot be done, the tests that need it say so, and fail under `CI=true`.
 *
 * Only the program is installed, by packages that start no service.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PACKAGES = ["mariadb-server-core", "mariadb-client-core"];

if (process.env["MILLRACE_MYSQL_URL"] !== undefined) {
  console.log("MariaDB: the server of MILLRACE_MYSQL_URL is used");
} else if (hasMariaDb()) {
  console.log("MariaDB: is installed");
} else if (install() && hasMariaDb()) {
  console.log("MariaDB: was installed");
} else {
  console.warn(`MariaDB: cannot be installed here. Install ${PACKAGES.join(" and ")}, or set MILLRACE_MYSQL_URL.`);
}

function hasMariaDb(): boolean {
  return existsSync("/usr/sbin/mariadbd") || succeeds("mariadbd", ["--version"]);
}

function install(): boolean {
  if (!succeeds("apt-get", ["--version"])) return false;
  const isRoot = process.getuid?.() === 0;
  // Without a password or not at all: nobody is there to type one.
  if (!isRoot && !succeeds("sudo", ["-n", "true"])) return false;
  const apt = (...parameters: string[]): boolean => {
    const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", ...parameters];
    const [program = "", ...others] = isRoot ? command : ["sudo", "-n", ...command];
    return spawnSync(program, others, { stdio: "inherit" }).status === 0;
  };
  const isInstalled = (): boolean => apt("install", "-y", "--no-install-recommends", ...PACKAGES);
  return isInstalled() || (apt("update") && isInstalled());
}

function succeeds(program: string, parameters: readonly string[]): boolean {
  return spawnSync(program, parameters, { stdio: "ignore" }).status === 0;
}
