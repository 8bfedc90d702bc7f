import { randomBytes } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { aesSecretBox } from "../../../src/adapters/system/aes-secret-box.js";
import { randomIds } from "../../../src/adapters/system/random-ids.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";

describe("random ids", () => {
  it("are UUIDs of version 7 that sort by time", () => {
    const clock = new ManualClock();
    const ids = randomIds(clock);
    const made = Array.from({ length: 50 }, () => {
      clock.jumpTo(clock.now() + 1);
      return ids.next();
    });
    for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([...made].sort()).toEqual(made);
    expect(new Set(Array.from({ length: 10_000 }, () => ids.next())).size).toBe(10_000);
  });
});

describe("the secret box", () => {
  it("opens what it sealed, and nothing else", () => {
    const box = aesSecretBox(randomBytes(32));
    for (const text of ["", "x", "ü\u0000😀", "long".repeat(10_000)]) {
      const sealed = box.seal(text);
      expect(box.open(sealed)).toBe(text);
      expect(box.seal(text)).not.toBe(sealed);
      const changed = `${sealed.slice(0, -2)}${sealed.endsWith("AA") ? "BB" : "AA"}`;
      expect(() => box.open(changed)).toThrow();
      expect(() => aesSecretBox(randomBytes(32)).open(sealed)).toThrow();
    }
  });
});

describe("the system clock", () => {
  it("fires once, not when called off, and also beyond the longest timer of Node", () => {
    vi.useFakeTimers();
    try {
      const fired: string[] = [];
      systemClock.after(10, () => fired.push("short"));
      systemClock.after(10, () => fired.push("never"))();
      systemClock.after(3_000_000_000, () => fired.push("long"));
      vi.advanceTimersByTime(2_999_999_999);
      expect(fired).toEqual(["short"]);
      vi.advanceTimersByTime(1);
      expect(fired).toEqual(["short", "long"]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
