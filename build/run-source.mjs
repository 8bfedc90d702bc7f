// `node --import ./build/run-source.mjs file.ts` runs TypeScript from src/ as it is: tsx first, then `?worker-source`,
// whose hook is itself TypeScript and is therefore loaded through tsx.
import { register } from "node:module";
import "tsx";

register("./worker-source-hook.ts", import.meta.url);
