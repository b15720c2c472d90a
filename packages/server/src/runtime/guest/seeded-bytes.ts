import { createCipheriv } from "node:crypto";

const COUNTER = new Uint8Array(16);
const CHUNK_BYTES = 65_536;

/** Fills `into` with the stream of AES-256-CTR under this key of 32 bytes, from a counter of zero. */
export function seededBytes(seed: Uint8Array, into: Uint8Array): void {
  const cipher = createCipheriv("aes-256-ctr", seed, COUNTER);
  const zeros = new Uint8Array(Math.min(CHUNK_BYTES, into.length));
  for (let done = 0; done < into.length; done += zeros.length) {
    const part = into.subarray(done, done + zeros.length);
    part.set(cipher.update(zeros.subarray(0, part.length)));
  }
}
