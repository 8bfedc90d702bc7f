/**
 * Bytes that a writer fills for each chunk anew: the driver copies them at once. New ones each time would be most of what the
 * garbage collector has to do while rows are written.
 */
export class Scratch {
  private buffer = new ArrayBuffer(0);

  /** All zero. What was taken before is gone. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes > this.buffer.byteLength) this.buffer = new ArrayBuffer(bytes);
    return new Uint8Array(this.buffer, 0, bytes).fill(0);
  }
}
