/** Debug information that cannot be read. Nothing outside this folder sees it. */
export class Unreadable extends Error {}

const text = new TextDecoder();
/** Longer ones are cut: nobody reads them. */
const MOST_TEXT_BYTES = 1_024;
/** Ten bytes of seven bits. */
const MOST_FACTOR = 2 ** 70;

/** Reads what DWARF is made of; past the end it throws Unreadable. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    if (at > end || end > bytes.length) throw new Unreadable("it ends too early");
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, end);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  skip(count: number): void {
    this.#take(count);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Exact to 2^53 and close above it, as all larger numbers here. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** A number of this many bytes. */
  unsigned(size: number): number {
    switch (size) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 4:
        return this.u32();
      case 8:
        return this.u64();
      default:
        throw new Unreadable(`a number of ${size} bytes`);
    }
  }

  uleb(): number {
    let value = 0;
    for (let factor = 1; factor < MOST_FACTOR; factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Unreadable("a number is too large");
  }

  sleb(): number {
    let value = 0;
    for (let factor = 1; factor < MOST_FACTOR; factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - factor * 128;
    }
    throw new Unreadable("a number is too large");
  }

  /** Up to a zero byte. */
  text(): string {
    const start = this.at;
    const length = this.skipText();
    return this.#decode(start, start + length);
  }

  /** Steps over a text and answers with its length. */
  skipText(): number {
    const start = this.at;
    const end = this.bytes.indexOf(0, start);
    if (end === -1 || end >= this.end) throw new Unreadable("a text has no end");
    this.at = end + 1;
    return end - start;
  }

  /** Of a known length. */
  textOf(length: number): string {
    const start = this.#take(length);
    return this.#decode(start, start + length);
  }

  #decode(start: number, end: number): string {
    return text.decode(this.bytes.subarray(start, Math.min(end, start + MOST_TEXT_BYTES)));
  }

  #take(count: number): number {
    const { at } = this;
    if (count > this.end - at) throw new Unreadable("it ends too early");
    this.at = at + count;
    return at;
  }
}
