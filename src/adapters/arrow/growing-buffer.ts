/**
 * Bytes that are written front to back and handed over whole. The next fill starts with the room that the last one
 * needed, so that growing is rare.
 */
export class GrowingBuffer {
  bytes = new Uint8Array(0);
  /** Over `bytes`, for writes that are not aligned. */
  view = new DataView(this.bytes.buffer);
  length = 0;
  private expected = 0;

  /** Makes room for `extra` bytes beyond `length`. */
  reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2, this.expected));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** Adds `extra` bytes, zero unless something was written there before, and returns where they start. */
  extend(extra: number): number {
    this.reserve(extra);
    const start = this.length;
    this.length += extra;
    return start;
  }

  append(source: Uint8Array): void {
    const start = this.extend(source.length);
    this.bytes.set(source, start);
  }

  /** Hands the bytes over, in an ArrayBuffer of their own, and starts anew. */
  take(): Uint8Array {
    const { bytes, length } = this;
    // The next batch's texts are hardly ever as long: a little more room, or half of them would be doubled and then copied.
    this.expected = length + (length >> 4);
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
    // A copy costs less than an eighth of slack that lives as long as the batch.
    return length * 8 < bytes.length * 7 ? bytes.slice(0, length) : bytes.subarray(0, length);
  }
}
