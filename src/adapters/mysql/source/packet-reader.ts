/** Reads the bytes of a row from front to back. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html */
export class PacketReader {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;

  uint8(): number {
    return this.bytes[this.at++]!;
  }

  uint16(): number {
    const { bytes, at } = this;
    this.at = at + 2;
    return bytes[at]! | (bytes[at + 1]! << 8);
  }

  int32(): number {
    const { bytes, at } = this;
    this.at = at + 4;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  float(): number {
    this.at += 4;
    return this.bytes.readFloatLE(this.at - 4);
  }

  double(): number {
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }

  /** The length that stands before a text: the text is behind it. */
  length(): number {
    const first = this.uint8();
    if (first < 0xfb) return first;
    const low = this.uint16();
    if (first === 0xfc) return low;
    const third = this.uint8();
    if (first === 0xfd) return low | (third << 16);
    const fourth = this.uint8();
    const high = this.int32();
    return (low | (third << 16)) + fourth * 0x100_0000 + (high >>> 0) * 0x1_0000_0000;
  }
}
