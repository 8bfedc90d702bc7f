import { randomFillSync } from "node:crypto";
import type { Clock } from "../../ports/clock.js";
import type { IdSource } from "../../ports/ids.js";

/** UUIDs of version 7 (RFC 9562): they sort by the time of their making. */
export function randomIds(clock: Clock): IdSource {
  return {
    next: () => {
      const bytes = randomFillSync(Buffer.alloc(16));
      bytes.writeUIntBE(clock.now(), 0, 6);
      bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
      bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
      return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
    random: () => Math.random(),
  };
}
