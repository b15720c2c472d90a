import { createCipheriv } from "node:crypto";

const COUNTER = new Uint8Array(16);
const CHUNK_BYTES = 65_536;

/** Fills `into` with the stream of AES-256-CTR under this key of 32 bytes, from a counter of zero. */
export function seededBytes(seed: Uint8Array, into: Uint8Array): void {
  new SeededStream(seed, into.length).read(into);
}

/** The same stream, as much at a time as is wanted of it. */
export class SeededStream {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  #left: number;

  /** Ends after `bytes`. */
  constructor(seed: Uint8Array, bytes: number) {
    this.#cipher = createCipheriv("aes-256-ctr", seed, COUNTER);
    this.#left = bytes;
  }

  /** How many bytes of `into` it has filled: all, or as many as there were. */
  read(into: Uint8Array): number {
    const wanted = into.subarray(0, Math.min(into.length, this.#left));
    const zeros = new Uint8Array(Math.min(CHUNK_BYTES, wanted.length));
    for (let done = 0; done < wanted.length; done += zeros.length) {
      const part = wanted.subarray(done, done + zeros.length);
      part.set(this.#cipher.update(zeros.subarray(0, part.length)));
    }
    this.#left -= wanted.length;
    return wanted.length;
  }
}
