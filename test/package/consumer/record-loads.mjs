// A loader hook that writes the address of every loaded module to a file, one per line.
import { appendFileSync } from "node:fs";

let path = "";

export function initialize(data) {
  path = data.path;
}

export async function load(url, context, next) {
  appendFileSync(path, `${url}\n`);
  return next(url, context);
}
