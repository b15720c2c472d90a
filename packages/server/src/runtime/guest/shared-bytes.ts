/**
 * Bytes that the host may read at any moment: appended, then published by their count, and left as
 * they are until they are cleared or cut.
 */
export class SharedBytes {
  readonly #buffer: SharedArrayBuffer;
  readonly #counts: Int32Array;
  readonly #place: number;
  #bytes: Uint8Array;
  length = 0;

  constructor(buffer: SharedArrayBuffer, counts: Int32Array, place: number) {
    this.#buffer = buffer;
    this.#counts = counts;
    this.#place = place;
    // Of the length it has now: a view that follows the buffer's growth is slower.
    this.#bytes = new Uint8Array(buffer, 0, buffer.byteLength);
  }

  /** The most it can hold. */
  get room(): number {
    return this.#buffer.maxByteLength;
  }

  /** Whoever calls this clears the published counts too, all at once. */
  clear(): void {
    this.length = 0;
  }

  append(bytes: Uint8Array): void {
    const end = this.length + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, this.length);
    this.length = end;
    Atomics.store(this.#counts, this.#place, end);
  }

  /** Takes back what is behind the first `length` bytes. */
  cut(length: number): void {
    this.length = length;
    Atomics.store(this.#counts, this.#place, length);
  }

  #grow(needed: number): void {
    const doubled = Math.max(needed, 2 * this.#buffer.byteLength);
    this.#buffer.grow(Math.min(doubled, this.#buffer.maxByteLength));
    this.#bytes = new Uint8Array(this.#buffer, 0, this.#buffer.byteLength);
  }
}
