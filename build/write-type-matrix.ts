/** `npm run type-matrix` writes the end of docs/types.md; a test checks that the page in the checkout is current. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measureTypes } from "./type-matrix/measure-types.js";
import { withTypeMatrix } from "./type-matrix/type-matrix-section.js";

const PAGE = join(import.meta.dirname, "../docs/types.md");

const matrix = await measureTypes();
writeFileSync(PAGE, withTypeMatrix(readFileSync(PAGE, "utf8"), matrix));
