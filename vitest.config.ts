import { defineConfig } from "vitest/config";
import { inlineWorkerForVite } from "./build/inline-worker.js";

const onCi = process.env["CI"] === "true";

export default defineConfig({
  plugins: [inlineWorkerForVite()],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/bench/**"],
    // Processes, not threads: an addon that crashes takes one file with it, and `process` belongs to the test.
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 20_000,
    allowOnly: !onCi,
    // Every import is written out, so a test file reads like any other module.
    globals: false,
  },
});
