/**
 * `npm run check`: every stage in turn, the quick ones first, up to the first failure. The last line counts tests and
 * stages: each stage is one check, except the tests, which are counted one by one.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

const REPORT = ".tmp/vitest-report.json";

/** A clause that an adapter declares it cannot keep shows as a skipped test with this ending; no other skip is expected. */
const EXPECTED_SKIP = /\(not kept: .+\)$/;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const stages: Readonly<Record<string, string>> = {
  format: "npm run -s format:check",
  lint: "npm run -s lint",
  types: "npm run -s types",
  unused: "npm run -s unused",
  servers: "tsx build/install-servers.ts && tsx test/support/start-servers-once.ts",
  test: `npm test -s -- --reporter=default --reporter=json --outputFile.json=${REPORT}`,
  package: "npm run -s package",
  demo: "npm run -s build:js && tsx test/package/demo.ts",
};

// A report of an earlier run would be counted if this one does not come to write its own.
rmSync(REPORT, { force: true });

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const [name, command] of Object.entries(stages)) {
  if (total.failed > 0) {
    total.skipped += 1;
    continue;
  }
  console.log(`\n── ${name}`);
  const startedAt = Date.now();
  const succeeded = spawnSync(command, { shell: true, stdio: "inherit" }).status === 0;
  const counts = name === "test" ? countTests(succeeded) : countStage(succeeded);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  console.log(
    `── ${name} ${counts.failed === 0 ? "passed" : "failed"} in ${Math.round((Date.now() - startedAt) / 1000)} s`,
  );
}

console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;

function countStage(succeeded: boolean): Counts {
  return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
}

function countTests(succeeded: boolean): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, fullName } of readTests()) {
    if (status === "passed") counts.passed += 1;
    else if (status === "failed") counts.failed += 1;
    else {
      counts.skipped += 1;
      if (process.env["CI"] !== "true" || EXPECTED_SKIP.test(fullName)) continue;
      console.error(`Skipped without a declared reason: ${fullName}`);
      counts.failed += 1;
    }
  }
  // A file that does not load, or an error outside any test, fails the stage and has no test to its name.
  if (!succeeded && counts.failed === 0) counts.failed = 1;
  return counts;
}

function readTests(): VitestReport["testResults"][number]["assertionResults"] {
  try {
    const report = JSON.parse(readFileSync(REPORT, "utf8")) as VitestReport;
    return report.testResults.flatMap((file) => file.assertionResults);
  } catch {
    // Vitest did not come so far; its exit code tells.
    return [];
  }
}
