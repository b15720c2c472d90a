const FIRST_ROOM = 16_384;

/** Keeps the first bytes of a stream up to a limit and counts the rest. One serves many runs. */
export class Output {
  #room = new Uint8Array(FIRST_ROOM);
  #kept = 0;
  #limit = 0;
  written = 0;

  begin(limit: number): void {
    // Room for one large answer is not held for ever.
    if (this.#room.length > 64 * FIRST_ROOM) this.#room = new Uint8Array(FIRST_ROOM);
    this.#kept = 0;
    this.#limit = limit;
    this.written = 0;
  }

  write(bytes: Uint8Array): void {
    this.written += bytes.length;
    const keep = Math.min(bytes.length, this.#limit - this.#kept);
    if (keep <= 0) return;
    const needed = this.#kept + keep;
    if (needed > this.#room.length) {
      const larger = new Uint8Array(Math.min(Math.max(needed, 2 * this.#room.length), this.#limit));
      larger.set(this.#room.subarray(0, this.#kept));
      this.#room = larger;
    }
    this.#room.set(keep === bytes.length ? bytes : bytes.subarray(0, keep), this.#kept);
    this.#kept = needed;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#room.slice(0, this.#kept);
  }
}
