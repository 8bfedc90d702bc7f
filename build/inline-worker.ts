import { dirname, resolve } from "node:path";
import { build, type Plugin as EsbuildPlugin } from "esbuild";
import type { Plugin as VitePlugin } from "vitest/config";

/**
 * `import source from "./load-worker.ts?worker-source"` gives the text of that module and all its relative imports as
 * one script. A worker started from text needs no file of its own, so it survives every bundler of every host:
 *
 *     new Worker(source, { eval: true, workerData: { requireFrom: import.meta.url } })
 *
 * Packages are not inlined. Text has no place on disk to resolve them from, hence `requireFrom`.
 */
const SUFFIX = "?worker-source";

// A function parameter shadows the `require` of the evaluated script, which would resolve from the working directory.
// That stays the last resort: a host bundled from ESM to CommonJS has no import.meta.url to give.
const OPEN = "(function (require) {";
const FROM = 'require("node:worker_threads").workerData.requireFrom || process.cwd() + "/"';
const CLOSE = `})(require("node:module").createRequire(${FROM}));`;

export interface WorkerSource {
  readonly text: string;
  /** Absolute paths of every module inside, for watchers. */
  readonly files: readonly string[];
}

export async function bundleWorker(path: string): Promise<WorkerSource> {
  const result = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    metafile: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    packages: "external",
    banner: { js: OPEN },
    footer: { js: CLOSE },
    logLevel: "silent",
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild wrote nothing for the worker ${path}`);
  return { text: output.text, files: Object.keys(result.metafile.inputs).map((file) => resolve(file)) };
}

/** For tsup, and for anything else that builds with esbuild. */
export function inlineWorkerForEsbuild(): EsbuildPlugin {
  return {
    name: "inline-worker",
    setup(host) {
      host.onResolve({ filter: /\?worker-source$/ }, ({ path, resolveDir }) => ({
        path: resolve(resolveDir, path.slice(0, -SUFFIX.length)),
        namespace: "worker-source",
      }));
      host.onLoad({ filter: /.*/, namespace: "worker-source" }, async ({ path }) => {
        const { text, files } = await bundleWorker(path);
        return { contents: text, loader: "text", watchFiles: [...files] };
      });
    },
  };
}

/** For vitest, which runs the sources. */
export function inlineWorkerForVite(): VitePlugin {
  return {
    name: "inline-worker",
    enforce: "pre",
    resolveId(id, importer) {
      if (!id.endsWith(SUFFIX) || importer === undefined) return null;
      return resolve(dirname(importer), id);
    },
    async load(id) {
      if (!id.endsWith(SUFFIX)) return null;
      const { text, files } = await bundleWorker(id.slice(0, -SUFFIX.length));
      for (const file of files) this.addWatchFile(file);
      return { code: `export default ${JSON.stringify(text)};`, map: null };
    },
  };
}
