import { NOSPC, type WasiError } from "../../errno.ts";

/** What a tree may hold, all of it together. */
export class Room {
  readonly #limit: number;
  readonly #onFull: () => void;
  #used = 0;

  constructor(limitBytes: number, onFull: () => void) {
    this.#limit = limitBytes;
    this.#onFull = onFull;
  }

  get left(): number {
    return this.#limit - this.#used;
  }

  /** NOSPC where there is not so much left. */
  take(bytes: number): void {
    if (bytes > this.left) throw this.full();
    this.#used += bytes;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }

  /** Tells that the limit was hit; what is then to be thrown. */
  full(): WasiError {
    this.#onFull();
    return NOSPC;
  }
}
