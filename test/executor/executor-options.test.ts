import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { StubEngine } from "../support/stub-engine.js";

const load = defineJob({ name: "load", query: "select 1", destination: { table: "out.t" } });
const good = { engine: new StubEngine(), store: new MemoryJobStore(), connections: {}, jobs: [load] };
const spec = { name: "x", query: "select 1", destination: { table: "out.t" } };

function refusal(options: unknown): unknown {
  try {
    return new JobExecutor(options as never);
  } catch (error) {
    return error;
  }
}

describe("the executor refuses with invalid_definition, and names the option", () => {
  it.each<[string, unknown, string]>([
    ["nothing", undefined, "options"],
    ["no engine", { ...good, engine: undefined }, "engine"],
    ["an engine that is none", { ...good, engine: {} }, "engine"],
    ["no store", { ...good, store: undefined }, "store"],
    ["no connections", { ...good, connections: undefined }, "connections"],
    ["a Map of connections", { ...good, connections: new Map() }, "connections"],
    ["an array of connections", { ...good, connections: [] }, "connections"],
    ["a connection that is null", { ...good, connections: { a: null } }, "connections.a"],
    ["a connection that is a text", { ...good, connections: { a: "postgres://" } }, "connections.a"],
    ["no jobs", { ...good, jobs: undefined }, "jobs"],
    ["one job", { ...good, jobs: load }, "jobs"],
    ["a job that defineJob did not make", { ...good, jobs: [load, spec] }, "jobs[1]"],
    ["half a clock", { ...good, clock: { now: () => 0 } }, "clock"],
    ["a logger that is a function", { ...good, logger: () => undefined }, "logger"],
    ["a lease longer than any timer", { ...good, leaseMs: Number.MAX_SAFE_INTEGER }, "leaseMs"],
    ["a lease that is too short", { ...good, leaseMs: 99 }, "leaseMs"],
    ["a commit time-out of 0", { ...good, commitTimeoutMs: 0 }, "commitTimeoutMs"],
    ["half a run", { ...good, maxConcurrentRuns: 0.5 }, "maxConcurrentRuns"],
    ["a short key", { ...good, secretKey: new Uint8Array(31) }, "secretKey"],
    ["a key as text", { ...good, secretKey: "0".repeat(32) }, "secretKey"],
    ["a misspelt option", { ...good, maxConcurentRuns: 1 }, "maxConcurentRuns"],
  ])("%s", (_, options, field) => {
    expect(refusal(options)).toMatchObject({ name: "JobError", code: "invalid_definition", field });
  });

  it("with the nearest name for a misspelt one", () => {
    expect(refusal({ ...good, maxConcurentRuns: 1 })).toMatchObject({
      message: expect.stringContaining('Did you mean "maxConcurrentRuns"?') as unknown,
    });
  });

  it("and takes what is undefined as left out", () => {
    expect(refusal({ ...good, clock: undefined, leaseMs: undefined, other: undefined })).toBeInstanceOf(JobExecutor);
  });
});
