import { defineConfig } from "tsup";
import { entryPoints } from "./build/entry-points.js";
import { inlineWorkerForEsbuild } from "./build/inline-worker.js";

export default defineConfig({
  entry: entryPoints,
  format: ["esm", "cjs"],
  platform: "node",
  target: "node20",
  // Shared classes exist once in each format, however many entry points a host imports.
  splitting: true,
  // Without this tsup makes CommonJS with sucrase, which also rewrites `?.`, `??` and class fields into slow helpers.
  // An import that is left unused by splitting would otherwise still be loaded, drivers included.
  treeshake: { moduleSideEffects: false },
  // import.meta.url in the CommonJS files.
  shims: true,
  clean: true,
  esbuildPlugins: [inlineWorkerForEsbuild()],
});
