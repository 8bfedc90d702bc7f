/** `npm run guarantees` writes docs/guarantees.md; a test checks that the page in the checkout is current. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { guaranteesPage } from "./guarantees-page.js";

writeFileSync(join(import.meta.dirname, "../docs/guarantees.md"), guaranteesPage());
