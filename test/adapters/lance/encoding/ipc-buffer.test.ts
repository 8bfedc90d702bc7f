import { expect, test } from "vitest";
import { IpcBuffer } from "../../../../src/adapters/lance/encoding/ipc-buffer.js";

const MIB = 1024 * 1024;

/** What the garbage collector believes to be held, in MiB: beyond a bound of its own it stops the host. */
function weight(): number {
  return process.memoryUsage().arrayBuffers / MIB;
}

test("a commit weighs nothing to the garbage collector, however large it may become", () => {
  const before = weight();
  const buffer = new IpcBuffer(2048 * MIB);
  const chunk = new Uint8Array(MIB).fill(7);
  for (let written = 0; written < 40; written++) buffer.write(chunk);
  expect(weight() - before).toBeLessThan(8);
});

test("keeps what was written while it grows", () => {
  const buffer = new IpcBuffer(64 * MIB);
  const expected: number[] = [];
  for (let part = 0; part < 300; part++) {
    buffer.write(new Uint8Array(10_000 + part).fill(part % 251));
    expected.push(...(Array(10_000 + part).fill(part % 251) as number[]));
  }
  const taken = buffer.taken();
  expect(taken.byteLength).toBe(buffer.byteLength);
  expect(taken.equals(Uint8Array.from(expected))).toBe(true);
});

test("takes a piece that is many times as large as all before", () => {
  const buffer = new IpcBuffer(64 * MIB);
  buffer.write(new Uint8Array(10).fill(1));
  buffer.write(new Uint8Array(3 * MIB).fill(2));
  expect(
    buffer
      .taken()
      .subarray(10)
      .every((byte) => byte === 2),
  ).toBe(true);
  expect(buffer.byteLength).toBe(10 + 3 * MIB);
});

test("takes exactly as much as the limit allows", () => {
  const buffer = new IpcBuffer(100_000);
  buffer.write(new Uint8Array(60_000));
  expect(() => buffer.write(new Uint8Array(40_001))).toThrow(/100000|100,000/);
  buffer.write(new Uint8Array(40_000));
  expect(buffer.taken().byteLength).toBe(100_000);
});

test("gives its memory back", async () => {
  const buffer = new IpcBuffer(1024 * MIB);
  const chunk = new Uint8Array(MIB).fill(7);
  for (let written = 0; written < 300; written++) buffer.write(chunk);
  const full = process.memoryUsage.rss();
  await buffer.release();
  expect(buffer.byteLength).toBe(0);
  expect((full - process.memoryUsage.rss()) / MIB).toBeGreaterThan(200);
});

test("never has much more room than it needs: what was never used would be written over with zeros when it is given back", () => {
  const buffer = new IpcBuffer(2048 * MIB);
  const chunk = new Uint8Array(MIB).fill(7);
  for (let written = 1; written <= 300; written++) {
    buffer.write(chunk);
    expect(buffer.taken().buffer.byteLength - buffer.byteLength).toBeLessThanOrEqual(64 * MIB);
  }
});

test("gives its memory back by small pieces, between which the host has its turn", async () => {
  const buffer = new IpcBuffer(1024 * MIB);
  for (let written = 0; written < 100; written++) buffer.write(new Uint8Array(MIB).fill(7));
  const room = buffer.taken().buffer;
  const releasing = buffer.release();
  for (let before = room.byteLength; room.byteLength > 0; before = room.byteLength) {
    await new Promise((resolve) => void setImmediate(resolve));
    expect(before - room.byteLength).toBeLessThanOrEqual(16 * MIB);
  }
  await releasing;
});
