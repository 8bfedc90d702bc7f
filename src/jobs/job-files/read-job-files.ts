import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { causeChain } from "../../model/job-error.js";

/** In bytes. A parser's time must have a bound; a thousand jobs fit. */
const LARGEST_FILE = 1024 * 1024;

/** A file's text, or why there is none. */
export type JobFile =
  { readonly file: string; readonly text: string } | { readonly file: string; readonly unreadable: string };

/** The file itself, or the `*.yaml` and `*.yml` of the folder, by name, in order of their code units. */
export async function* readJobFiles(path: string | URL): AsyncGenerator<JobFile> {
  try {
    const place = typeof path === "string" ? path : fileURLToPath(path);
    const isFolder = (await stat(place)).isDirectory();
    const files = isFolder
      ? (await readdir(place))
          .filter(isJobFile)
          .sort()
          .map((name) => join(place, name))
      : [place];
    for (const file of files) yield await readJobFile(file);
  } catch (thrown) {
    yield { file: String(path), unreadable: `cannot be read: ${causeChain(thrown)}` };
  }
}

/** As a shell's `*.yaml`, which leaves out what editors and mounts hide behind a dot. */
function isJobFile(name: string): boolean {
  return /^[^.].*\.ya?ml$/is.test(name);
}

async function readJobFile(file: string): Promise<JobFile> {
  try {
    const found = await stat(file);
    // A pipe or a device may never end.
    if (!found.isFile()) return { file, unreadable: "is not a file" };
    if (found.size > LARGEST_FILE) return { file, unreadable: `is larger than ${LARGEST_FILE} bytes` };
    return { file, text: new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file)) };
  } catch (thrown) {
    const encoding = thrown instanceof TypeError ? "is not UTF-8" : `cannot be read: ${causeChain(thrown)}`;
    return { file, unreadable: encoding };
  }
}
