import { ERRNO, NAMETOOLONG, WasiError } from "../../errno.ts";
import {
  channelViews,
  CHUNK_BYTES,
  TURN,
  WORD,
  type Ask,
  type ChannelViews,
} from "../../files-channel.ts";

const CLOSED = new WasiError(ERRNO.io);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_NUMBERS: readonly bigint[] = [];

export interface Question {
  readonly handle: number;
  readonly numbers?: readonly bigint[];
  readonly names?: readonly [string] | readonly [string, string];
  /** Instead of names: what is written, or how much is read. */
  readonly bytes?: Uint8Array | number;
}

/** The guest's side of a way to the host's files: asks, and sleeps until the answer is there. */
export class HostChannel {
  readonly #views: ChannelViews;

  constructor(channel: SharedArrayBuffer) {
    this.#views = channelViews(channel);
  }

  /** Throws the WasiError that the host answers with. The rest of the answer is there until the next question. */
  ask(ask: Ask, { handle, numbers = NO_NUMBERS, names, bytes }: Question): void {
    const { words } = this.#views;
    words[WORD.code] = ask;
    words[WORD.handle] = handle;
    for (let index = 0; index < numbers.length; index += 1) {
      this.#views.numbers[index] = numbers[index]!;
    }
    if (names !== undefined) this.#putNames(names);
    else if (bytes !== undefined) this.#putBytes(bytes);
    this.#exchange();
    const errno = words[WORD.code]!;
    if (errno !== ERRNO.success) throw errorOf(errno);
  }

  get handle(): number {
    return this.#views.words[WORD.handle]!;
  }

  number(index: number): bigint {
    return this.#views.numbers[index]!;
  }

  /** A window on the bytes of the answer. */
  bytes(): Uint8Array {
    return this.#views.bytes.subarray(0, this.count);
  }

  get count(): number {
    return this.#views.words[WORD.bytes]!;
  }

  /** Of the answer's bytes; the decoder takes no shared memory. */
  text(from = 0, to = this.count): string {
    return decoder.decode(this.#views.bytes.slice(from, to));
  }

  #putNames([first, second = ""]: readonly [string] | readonly [string, string]): void {
    const { words, bytes } = this.#views;
    const one = encoder.encode(first);
    const other = encoder.encode(second);
    if (one.length + other.length > CHUNK_BYTES) throw NAMETOOLONG;
    bytes.set(one);
    bytes.set(other, one.length);
    words[WORD.bytes] = one.length;
    words[WORD.secondBytes] = other.length;
  }

  #putBytes(given: Uint8Array | number): void {
    const { words, bytes } = this.#views;
    words[WORD.bytes] = typeof given === "number" ? given : given.length;
    if (typeof given !== "number") bytes.set(given);
  }

  #exchange(): void {
    const { words } = this.#views;
    if (Atomics.compareExchange(words, WORD.turn, TURN.guest, TURN.host) !== TURN.guest) {
      throw CLOSED;
    }
    Atomics.notify(words, WORD.turn);
    while (Atomics.load(words, WORD.turn) === TURN.host) {
      Atomics.wait(words, WORD.turn, TURN.host);
    }
    if (Atomics.load(words, WORD.turn) === TURN.closed) throw CLOSED;
  }
}

const errors = new Map<number, WasiError>();

function errorOf(errno: number): WasiError {
  const known = errors.get(errno) ?? new WasiError(errno);
  errors.set(errno, known);
  return known;
}
