import { describe, expect, it } from "vitest";
import { PacketFeed } from "../../../../src/adapters/mysql/source/packet-feed.js";

const LONGEST = 0xff_ffff;
const END = [0xfe, 3, 0, 2, 0];

/** As a server sends them: numbered from `first` on, and what is longer than a packet in several. */
function packets(first: number, ...payloads: readonly (readonly number[] | Buffer)[]): Buffer {
  const parts: Buffer[] = [];
  for (const payload of payloads) {
    const bytes = Buffer.from(payload);
    for (let at = 0, length = LONGEST; length === LONGEST; at += length) {
      length = Math.min(LONGEST, bytes.length - at);
      const header = Buffer.alloc(4, (first + parts.length / 2) & 0xff);
      header.writeUIntLE(length, 0, 3);
      parts.push(header, bytes.subarray(at, at + length));
    }
  }
  return Buffer.concat(parts);
}

/** A feed that tells what it gave: the bytes of rows, and other packets with their numbers. */
function feed(areRows = true) {
  const given: (Buffer | readonly [number, Buffer])[] = [];
  const fed = new PacketFeed({
    rows: (bytes, starts, ends, count) => {
      for (let row = 0; row < count; row++) given.push(Buffer.from(bytes.subarray(starts[row], ends[row])));
    },
    other: (packet) => given.push([packet[3]!, packet.subarray(4)]),
  });
  fed.areRows = areRows;
  return { fed, given };
}

describe("PacketFeed", () => {
  const rows = [[0, 1], [0], [0, ...Buffer.from("a longer row")], [0, 0xfe, 0, 0, 0]];
  const sent = packets(7, ...rows, END);
  const expected = [...rows.map(([, ...row]) => Buffer.from(row)), [7, Buffer.from(END)]];

  it.each(Array.from(sent, (_, at) => at))("finds rows whatever comes at once: parted at byte %i", (at) => {
    const { fed, given } = feed();
    fed.execute(sent.subarray(0, at));
    fed.execute(sent.subarray(at));
    expect(given).toEqual(expected);
  });

  it("finds rows that come byte by byte", () => {
    const { fed, given } = feed();
    for (const byte of sent) fed.execute(Buffer.from([byte]));
    expect(given).toEqual(expected);
  });

  it("finds more rows than are given at once, and numbers what follows as if there had been none", () => {
    const { fed, given } = feed();
    const many = Array.from({ length: 10_001 }, (_, row) => [0, row & 0xff, row >> 8]);
    fed.execute(packets(200, ...many, [0xff, 1]));
    expect(given.slice(0, -1)).toEqual(many.map(([, ...row]) => Buffer.from(row)));
    expect(given.at(-1)).toEqual([200, Buffer.from([0xff, 1])]);
  });

  it.each([LONGEST - 2, LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST - 1, 2 * LONGEST, 2 * LONGEST + 9])(
    "joins what is longer than a packet: a row of %i bytes",
    (length) => {
      const { fed, given } = feed();
      const row = Buffer.alloc(length + 1);
      for (let at = 1; at <= length; at += 1_001) row[at] = at % 251;
      const all = packets(1, [0, 1], row, [0, 2], END);
      for (let at = 0; at < all.length; at += 3_000_000) fed.execute(all.subarray(at, at + 3_000_000));
      const [before, long, after, end] = given as Buffer[];
      expect(Buffer.compare(long!, row.subarray(1))).toBe(0);
      expect([before, after, end]).toEqual([Buffer.from([1]), Buffer.from([2]), [1, Buffer.from(END)]]);
    },
  );

  it("gives packets that are no rows yet to the driver, whatever they begin with", () => {
    const { fed, given } = feed(false);
    fed.execute(packets(1, [0, 1], [0, 2]));
    expect(given).toEqual([
      [1, Buffer.from([0, 1])],
      [2, Buffer.from([0, 2])],
    ]);
  });

  it("keeps nothing of what it gave, for the driver may", () => {
    const { fed, given } = feed(false);
    fed.execute(packets(1, [1, 2, 3]));
    fed.execute(packets(2, [4, 5, 6]));
    expect(given[0]).toEqual([1, Buffer.from([1, 2, 3])]);
  });
});
