import { randomFillSync } from "node:crypto";
import type { Clock } from "../../ports/clock.js";
import type { IdSource } from "../../ports/ids.js";

const ID_BYTES = 16;

/** Asking the system for a few bytes costs as much as asking for many. */
const POOLED_IDS = 256;

/** UUIDs of version 7 (RFC 9562): they sort by the time of their making. */
export function randomIds(clock: Clock): IdSource {
  const pool = Buffer.alloc(POOLED_IDS * ID_BYTES);
  let next = pool.length;
  return {
    next: () => {
      if (next === pool.length) {
        randomFillSync(pool);
        next = 0;
      }
      const bytes = pool.subarray(next, (next += ID_BYTES));
      bytes.writeUIntBE(clock.now(), 0, 6);
      bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
      bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
      const hex = bytes.toString("hex");
      // Joined, not concatenated: that would leave a tree of ten strings, which every ledger in memory keeps.
      const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
      return parts.join("-");
    },
    random: () => Math.random(),
  };
}
