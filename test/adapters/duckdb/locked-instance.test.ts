import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Database } from "../../../src/adapters/duckdb/database.js";

/** Should the check of queries ever miss something, the instance behind it reaches nothing else. */

const folder = mkdtempSync(join(tmpdir(), "millrace-locked-"));
const open = join(folder, "open.csv");
const secret = join(folder, "secret.csv");
let database: Database;

beforeAll(async () => {
  writeFileSync(open, "a\n1\n");
  writeFileSync(secret, "word\nxyzzy\n");
  mkdirSync(join(folder, "linked"));
  symlinkSync(secret, join(folder, "linked", "link.csv"));
  database = await Database.open({}, [open, join(folder, "linked/")]);
});

afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

it.each([
  `from read_csv('${secret}')`,
  `from '${secret}'`,
  `from read_csv('${folder}/../${basename(folder)}/secret.csv')`,
  `from read_csv('${folder}/linked/../secret.csv')`,
  `from read_csv('${folder}/linked/link.csv')`,
  `from glob('${folder}/*')`,
  "from read_text('/etc/passwd')",
  "from glob('/etc/*')",
  "from read_text('/proc/self/environ')",
  `copy (select 1) to '${folder}/out.csv'`,
  `attach '${folder}/new.duckdb' as made`,
  "install httpfs",
  "load httpfs",
  "from 'http://127.0.0.1:9/x.parquet'",
  "set enable_external_access = true",
  "set lock_configuration = false",
  "set allowed_directories = ['/']",
  "set allowed_paths = ['/etc/passwd']",
  "set allowed_configs = ['threads']",
  "set memory_limit = '1TB'",
  "set threads = 64",
  "set temp_directory = '/'",
  "set autoinstall_known_extensions = true",
  "set custom_extension_repository = 'http://localhost'",
  "set TimeZone = 'Europe/Berlin'",
])("%s fails", async (statement) => {
  await expect(database.use((connection) => connection.execute(statement))).rejects.toThrow(
    /disabled|locked|cannot be changed|Cannot change|not allowed|IO Error/i,
  );
});

it("what it may read it reads", async () => {
  expect(await database.use((connection) => connection.read(`from read_csv('${open}')`))).toEqual([{ a: "1" }]);
});
