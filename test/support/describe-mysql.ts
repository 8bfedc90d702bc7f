import { describe } from "vitest";
import { mysqlMissing } from "./mariadb-server.js";

/** Describes tests that need MySQL or MariaDB. Without one they are skipped, loudly; under `CI=true` that is a failure. */
export function describeMysql(name: string, body: () => void): void {
  const reason = mysqlMissing();
  if (reason === undefined) return void describe(name, body);
  if (process.env["CI"] === "true") throw new Error(`These tests need MySQL or MariaDB: ${reason}`);
  console.warn(`SKIPPED: ${name}: ${reason}`);
  describe.skip(`${name} (skipped: ${reason})`, body);
}
