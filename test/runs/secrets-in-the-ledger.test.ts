import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defineJob } from "../../src/jobs/define-job.js";
import { harness } from "../support/executor-harness.js";

describe("a ledger row", () => {
  it("shows a secret as its docstring says, also when it is sealed", async () => {
    const job = defineJob({
      name: "secretive",
      query: "select {token}",
      params: { token: { type: "VARCHAR", secret: true } },
      destination: { table: "out.t" },
    });
    const { executor } = harness({ jobs: [job], secretKey: randomBytes(32) });
    await executor.start();
    const run = await (await executor.submitOrThrow("secretive", { token: "sk-live" })).result();
    expect(run.parameters).toEqual({ token: { secret: true } });
    await executor.stop();
  });
});
