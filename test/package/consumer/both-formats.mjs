// One process holds both builds, as happens when a host in ESM uses a library in CommonJS: errors are known across.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as esm from "millrace";

const cjs = createRequire(import.meta.url)("millrace");
assert.notEqual(esm.JobExecutor, cjs.JobExecutor);

for (const [made, known] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const error = new made.JobError("unknown_job", { message: "No such job.", hint: "Register it." });
  assert.ok(known.isJobError(error));
  assert.ok(known.isJobError(error, "unknown_job"));
  assert.ok(!known.isJobError(error, "aborted"));
  assert.ok(!(error instanceof known.JobError), "the two builds have two classes, or this file proves nothing");
}
assert.ok(!esm.isJobError(new Error("unknown_job")));
