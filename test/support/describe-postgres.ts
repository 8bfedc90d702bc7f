import { describe } from "vitest";
import { postgresMissing } from "./postgres-server.js";

/** Describes tests that need Postgres. Without one they are skipped, loudly; under `CI=true` that is a failure. */
export function describePostgres(name: string, body: () => void): void {
  const reason = postgresMissing();
  if (reason === undefined) return void describe(name, body);
  if (process.env["CI"] === "true") throw new Error(`These tests need Postgres: ${reason}`);
  console.warn(`SKIPPED: ${name}: ${reason}`);
  describe.skip(`${name} (skipped: ${reason})`, body);
}
