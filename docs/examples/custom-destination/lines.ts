import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Connection } from "millrace";
import { LinesDestination } from "./lines-destination.js";

/** The folders below `root`, each a table. */
export function lines(root: string): Connection {
  return {
    capabilities: { kind: "lines", read: false, write: "transactional", tables: "named" },
    destination: (table) => (table === "" ? undefined : new LinesDestination(join(root, encodeURIComponent(table)))),
    check: async () => void (await mkdir(root, { recursive: true })),
    close: () => Promise.resolve(),
  };
}
