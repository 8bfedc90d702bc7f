import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { atMost, reported, type Figure } from "./figure.js";

const LIMIT_MB = 512;
const CHILD = fileURLToPath(new URL("./peak-memory-child.ts", import.meta.url));

/** Peak RSS of whole processes that load rows into SQLite, with the engine's limit at 512 MB. */
export async function peakMemory(): Promise<readonly Figure[]> {
  const narrowSmall = await peakMb("narrow", 5_000_000);
  const narrowLarge = await peakMb("narrow", 20_000_000);
  const wideSmall = await peakMb("wide", 10_000);
  const wideLarge = await peakMb("wide", 40_000);
  return [
    reported("peak RSS, 5 M rows", narrowSmall, "MB"),
    atMost("peak RSS, 20 M rows, above 5 M", narrowLarge - narrowSmall, 100, "MB"),
    atMost("peak RSS, 20 M rows", narrowLarge, LIMIT_MB + 400, "MB"),
    reported("peak RSS, 10,000 rows of 50 KB", wideSmall, "MB"),
    atMost("peak RSS, 40,000 rows of 50 KB, above 10,000", wideLarge - wideSmall, 100, "MB"),
    atMost("peak RSS, 40,000 rows of 50 KB", wideLarge, LIMIT_MB + 400, "MB"),
  ];
}

async function peakMb(shape: "narrow" | "wide", rows: number): Promise<number> {
  const args = ["--import", "tsx", CHILD, shape, String(rows), `${LIMIT_MB}MB`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout.trim());
}
