import type { LoadHook, ResolveHook } from "node:module";
import { fileURLToPath } from "node:url";
import { bundleWorker } from "./inline-worker.js";

/** Node's own loader hooks for `?worker-source`: the third face, for child processes that run the sources with tsx. */
const SUFFIX = "?worker-source";

export const resolve: ResolveHook = (specifier, context, next) => {
  if (!specifier.endsWith(SUFFIX)) return next(specifier, context);
  return { url: new URL(specifier, context.parentURL).href, format: "module", shortCircuit: true };
};

export const load: LoadHook = async (url, context, next) => {
  if (!url.endsWith(SUFFIX)) return next(url, context);
  const { text } = await bundleWorker(fileURLToPath(url.slice(0, -SUFFIX.length)));
  return { source: `export default ${JSON.stringify(text)};`, format: "module", shortCircuit: true };
};
