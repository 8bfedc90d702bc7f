import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { inlineWorkerForVite } from "./build/inline-worker.js";

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
    exclude: ["test/bench/**"],
    // Processes, not threads: an addon that crashes takes one file with it, and `process` belongs to the test.
    pool: "forks",
    // By default one less than there are cores. Many files wait for other processes most of the time.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 20_000,
    // Hooks start servers.
    hookTimeout: 60_000,
    allowOnly: !onCi,
    // Every import is written out, so a test file reads like any other module.
    globals: false,
  },
});
