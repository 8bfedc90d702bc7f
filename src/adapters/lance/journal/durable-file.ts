import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { JobError } from "../../../model/job-error.js";

/** Of what these files hold. A reader refuses what a newer version of Millrace wrote. */
const FORMAT = 1;

/** Puts JSON in place in one act that also survives the loss of power. Only one writer at a time. */
export async function writeDurably(path: string, content: object): Promise<void> {
  const made = `${path}.new`;
  const file = await open(made, "w");
  try {
    await file.writeFile(JSON.stringify({ format: FORMAT, ...content }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(made, path);
  await syncFolder(dirname(path));
}

/** Undefined when there is none. */
export async function readDurable(path: string): Promise<object | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const content = parsed(text);
  if (content !== undefined && "format" in content && content.format === FORMAT) return content;
  const isNewer = content !== undefined && "format" in content && Number(content.format) > FORMAT;
  throw new JobError("connection_unavailable", {
    message: isNewer
      ? `"${path}" was written by a newer version of Millrace.`
      : `"${path}" is not a file that Millrace wrote.`,
    hint: isNewer
      ? "Update Millrace in every process that writes this folder."
      : "It keeps what is known of commits: restore it from a copy of the folder.",
    retryable: false,
  });
}

function parsed(text: string): object | undefined {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === "object" && content !== null ? content : undefined;
  } catch {
    return undefined;
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; there a rename is all that can be done.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
