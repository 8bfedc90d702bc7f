import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { inlineWorkerForVite } from "./build/inline-worker.js";
import { LongFilesFirst } from "./build/long-files-first.js";

const onCi = process.env["CI"] === "true";

export default defineConfig({
  plugins: [inlineWorkerForVite()],
  resolve: {
    // For examples, which import the package by its own name: the sources, as in tsconfig.consumer.json.
    alias: [
      { find: /^millrace$/, replacement: `${import.meta.dirname}/src/index.ts` },
      { find: /^millrace\/testing$/, replacement: `${import.meta.dirname}/src/testing/entry.ts` },
      {
        find: /^millrace\/(duckdb|sqlite|postgres|mysql|lance)$/,
        replacement: `${import.meta.dirname}/src/adapters/$1/entry.ts`,
      },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/temporary-folder.ts"],
    exclude: ["test/bench/**"],
    // Processes, not threads: an addon that crashes takes one file with it, and `process` belongs to the test.
    pool: "forks",
    // One more than there are cores: many files wait for other processes, or for a time-out, most of the time.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongFilesFirst },
    // Of tests in one file that wait for other processes most of the time, and say that they are concurrent.
    maxConcurrency: 3,
    testTimeout: 20_000,
    // Hooks start servers.
    hookTimeout: 60_000,
    allowOnly: !onCi,
    // Every import is written out, so a test file reads like any other module.
    globals: false,
  },
});
