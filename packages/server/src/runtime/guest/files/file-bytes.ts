import { NOSPC } from "../../errno.ts";
import { FILETYPE } from "../../files.ts";
import type { Room } from "./room.ts";

const LEAST_CAPACITY = 256;
const NOTHING = new Uint8Array(0);

/** The bytes of a file in memory: grow by doubling, and take of the room what the file's size says. */
export class FileBytes {
  readonly type = FILETYPE.regularFile;
  readonly #room: Room;
  size = 0;
  // Zero from `size` on, so that growth shows nothing of what was there before.
  #bytes = NOTHING;

  constructor(room: Room) {
    this.#room = room;
  }

  read(at: number, into: Uint8Array): number {
    const end = Math.min(at + into.length, this.size);
    if (at >= end) return 0;
    into.set(this.#bytes.subarray(at, end));
    return end - at;
  }

  /** Bytes written: fewer than given where there is no room for the others, NOSPC where for none. */
  write(at: number, bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    const missing = at + bytes.length - this.size - this.#room.left;
    const fits = missing <= 0 ? bytes.length : bytes.length - missing;
    if (fits < bytes.length) {
      const full = this.#room.full();
      if (fits <= 0) throw full;
    }
    if (at + fits > this.size) this.resize(at + fits);
    this.#bytes.set(fits === bytes.length ? bytes : bytes.subarray(0, fits), at);
    return fits;
  }

  resize(size: number): void {
    if (size > this.size) {
      this.#room.take(size - this.size);
      this.#reserve(size);
    } else {
      this.#room.giveBack(this.size - size);
      if (size === 0) this.#bytes = NOTHING;
      else this.#bytes.fill(0, size, this.size);
    }
    this.size = size;
  }

  free(): void {
    this.resize(0);
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const doubled = Math.min(2 * this.#bytes.length, size + this.#room.left);
    try {
      const grown = new Uint8Array(Math.max(size, doubled, LEAST_CAPACITY));
      grown.set(this.#bytes.subarray(0, this.size));
      this.#bytes = grown;
    } catch {
      // The machine itself has no memory left.
      this.#room.giveBack(size - this.size);
      throw NOSPC;
    }
  }
}
