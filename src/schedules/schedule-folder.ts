import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { causeChain, JobError } from "../model/job-error.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import { scheduleFromSpec } from "./define-schedule.js";
import { specOfSchedule } from "./spec-of-schedule.js";

/** A file of the folder that holds no schedule. */
export interface BadScheduleFile {
  readonly file: string;
  readonly message: string;
}

export interface ReadSchedules {
  readonly definitions: readonly ScheduleDefinition[];
  /** The others load all the same. */
  readonly bad: readonly BadScheduleFile[];
}

/**
 * One JSON file for each schedule, `<id>.json`, in the form that `defineSchedule` takes: definitions only, for people and
 * version control. What becomes of a schedule stands in the ledger.
 */
export class ScheduleFolder {
  #drafts = 0;
  #written: Promise<unknown> = Promise.resolve();

  constructor(private readonly folder: string) {}

  async read(): Promise<ReadSchedules> {
    const definitions: ScheduleDefinition[] = [];
    const bad: BadScheduleFile[] = [];
    for (const name of await this.#names()) {
      const file = join(this.folder, name);
      try {
        const definition = scheduleFromSpec(JSON.parse(await readFile(file, "utf8")));
        if (fileName(definition.id) === name) definitions.push(definition);
        else
          bad.push({
            file,
            message: `holds the schedule "${definition.id}", whose file is ${fileName(definition.id)}`,
          });
      } catch (error) {
        bad.push({ file, message: causeChain(error) });
      }
    }
    return { definitions, bad };
  }

  /** @throws JobError `invalid_definition` when the file is that of another id, or nobody knows of which. */
  write(definition: ScheduleDefinition): Promise<void> {
    // One after the other: of two ids that would have one file, the second must find that of the first.
    const written = this.#written.then(() => this.#write(definition));
    this.#written = written.catch(() => undefined);
    return written;
  }

  async #write(definition: ScheduleDefinition): Promise<void> {
    const { id } = definition;
    const file = join(this.folder, fileName(id));
    const other = await idIn(file);
    if (other === null) {
      throw new JobError("invalid_definition", {
        message: `The file ${fileName(id)} is there already, and holds no schedule.`,
        hint: "Mend it or remove it: it is not overwritten.",
        field: "id",
      });
    }
    if (other !== undefined && other !== id) {
      throw new JobError("invalid_definition", {
        message: `The schedules "${id}" and "${other}" would have one file, ${fileName(id)}.`,
        hint: "Take an id that differs in letters, digits, - or _.",
        field: "id",
      });
    }
    await mkdir(this.folder, { recursive: true });
    // Never half a file under its name.
    const draft = `${file}.${process.pid}.${(this.#drafts += 1)}.tmp`;
    await writeFile(draft, `${JSON.stringify(specOfSchedule(definition), null, 2)}\n`);
    await rename(draft, file);
  }

  async remove(id: string): Promise<void> {
    const file = join(this.folder, fileName(id));
    if ((await idIn(file)) === id) await rm(file, { force: true });
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.folder)).filter((name) => name.endsWith(".json") && !name.startsWith(".")).sort();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    }
  }
}

/** Any id has one; different ids may have the same. */
export function fileName(id: string): string {
  return `${id.replace(/[^A-Za-z0-9_-]/g, "_")}.json`;
}

/** Undefined: there is no file; null: one that does not say whose it is. */
async function idIn(file: string): Promise<string | null | undefined> {
  try {
    const spec = JSON.parse(await readFile(file, "utf8")) as { readonly id?: unknown } | null;
    return typeof spec?.id === "string" ? spec.id : null;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? undefined : null;
  }
}
