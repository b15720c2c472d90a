import { NexusError } from "../../core/errors.ts";

/** What is wrong with a module, as the reader of the message needs it. */
export function invalidModule(how: string, cause?: unknown): NexusError {
  return new NexusError(
    "MODULE_INVALID",
    `Cannot load module: ${how}`,
    cause === undefined ? {} : { cause },
  );
}

/** What V8 takes. */
const MOST_NAME_BYTES = 100_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads WebAssembly's primitives one after another; past the end it throws MODULE_INVALID. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw this.#truncated();
    const byte = this.bytes[this.at]!;
    this.at += 1;
    return byte;
  }

  peek(): number {
    if (this.at >= this.end) throw this.#truncated();
    return this.bytes[this.at]!;
  }

  /** Throws where fewer bytes than these are left. */
  mustHold(count: number): void {
    if (count > this.end - this.at) throw this.#truncated();
  }

  skip(count: number): void {
    this.mustHold(count);
    this.at += count;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw invalidModule(`a number at byte ${this.at} is too large`);
  }

  /** As a number, which is exact to 2^53 and close above it. */
  u64(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw invalidModule(`a number at byte ${this.at} is too large`);
  }

  /** Steps over a LEB128 number of any width and sign. */
  skipNumber(): void {
    for (let count = 0; count < 10; count += 1) {
      if (this.byte() < 0x80) return;
    }
    throw invalidModule(`a number at byte ${this.at} is too large`);
  }

  name(): string {
    const length = this.u32();
    if (length > MOST_NAME_BYTES) {
      throw invalidModule(`a name at byte ${this.at} has ${length} bytes`);
    }
    const start = this.at;
    this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(start, this.at));
    } catch (cause) {
      throw invalidModule(`a name at byte ${start} is not UTF-8`, cause);
    }
  }

  #truncated(): NexusError {
    return invalidModule(
      this.end === this.bytes.length
        ? `it is cut off after ${this.bytes.length} bytes`
        : `a section ends in the middle of an entry, at byte ${this.end}`,
    );
  }
}
