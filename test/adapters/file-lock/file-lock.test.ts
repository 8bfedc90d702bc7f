import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileLock } from "../../../src/adapters/file-lock/file-lock.js";

const never = new AbortController().signal;
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-lock-"));
  path = join(folder, "table.lock");
});

afterEach(() => rm(folder, { recursive: true }));

test("a second holder waits, and has the lock when it is released", async () => {
  const first = await FileLock.acquire(path, { signal: never, waitMs: 0 });
  expect(await FileLock.acquire(path, { signal: never, waitMs: 20 })).toBeUndefined();
  const second = FileLock.acquire(path, { signal: never, waitMs: 60_000 });
  first?.release();
  const held = await second;
  expect(held).toBeInstanceOf(FileLock);
  held?.release();
  held?.release();
});

test("waiting ends when its signal is aborted", async () => {
  const first = await FileLock.acquire(path, { signal: never, waitMs: 0 });
  const controller = new AbortController();
  const second = FileLock.acquire(path, { signal: controller.signal, waitMs: 60_000 });
  controller.abort(new Error("cancelled"));
  await expect(second).rejects.toThrow("cancelled");
  first?.release();
});

test("a process that is stopped keeps the lock, and one that is killed gives it back", async () => {
  const holder = spawn(process.execPath, ["-e", HOLDER, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  holder.kill("SIGSTOP");
  expect(await FileLock.acquire(path, { signal: never, waitMs: 50 })).toBeUndefined();
  const gone = once(holder, "exit");
  holder.kill("SIGKILL");
  await gone;
  const held = await FileLock.acquire(path, { signal: never, waitMs: 0 });
  expect(held).toBeInstanceOf(FileLock);
  held?.release();
});

const HOLDER = `
const Database = require("better-sqlite3");
const database = new Database(process.argv[1], { timeout: 0 });
database.pragma("journal_mode = memory");
database.exec("begin exclusive");
process.stdout.write("held");
process.stdin.resume();
`;
