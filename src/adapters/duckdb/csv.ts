import { resolve } from "node:path";
import type { Connection } from "../../ports/connection.js";
import { FileConnection } from "./file-connection.js";
import { quoteText } from "./quote.js";

export function csv(paths: string | readonly string[]): Connection {
  const list = [paths].flat().map((path) => resolve(path));
  return new FileConnection("csv", `read_csv([${list.map(quoteText).join(", ")}])`, list);
}
