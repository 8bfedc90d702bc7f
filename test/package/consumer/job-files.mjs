// Jobs from YAML, with either build of the package: the parser is found, and loaded by the first call only.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as esm from "millrace";

const cjs = createRequire(import.meta.url)("millrace");
const folder = mkdtempSync(join(tmpdir(), "millrace-consumer-"));
const spec = { query: "select 1", destination: { table: "out.one", mode: "append" } };

try {
  writeFileSync(join(folder, "one.yaml"), `kind: job\nmetadata: { name: one }\nspec: ${JSON.stringify(spec)}\n`);
  for (const build of [esm, cjs]) {
    const loaded = await build.loadJobs(folder);
    assert.deepEqual(loaded._unsafeUnwrap(), [build.defineJob({ name: "one", ...spec })]);
    const refused = await build.loadJobs(join(folder, "none.yaml"));
    assert.ok(esm.isJobError(refused._unsafeUnwrapErr(), "job_file_unreadable"));
  }
} finally {
  rmSync(folder, { recursive: true });
}
