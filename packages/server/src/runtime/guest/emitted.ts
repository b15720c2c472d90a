import type { SharedBytes } from "./shared-bytes.ts";
import { FACT, LIMIT_NAMES, NUMBER_BYTES, type JournalFacts } from "../journal.ts";
import type { GuestLimits } from "../protocol.ts";
import { INVAL, MSGSIZE, NOSPC, type WasiError } from "../errno.ts";

const REACHED = 1 << LIMIT_NAMES.indexOf("emits");
const LEAST_BYTES = 1024 * 1024;

/** Keeps what a guest emits, as many events and bytes as it may. One serves many runs. */
export class Emitted {
  readonly #bytes: SharedBytes;
  readonly #ends: SharedBytes;
  readonly #counts: JournalFacts["counts"];
  readonly #end = new Float64Array(1);
  readonly #endBytes = new Uint8Array(this.#end.buffer);
  #eventsLeft = 0;
  #mostBytes = 0;

  constructor(bytes: SharedBytes, ends: SharedBytes, { counts }: JournalFacts) {
    this.#bytes = bytes;
    this.#ends = ends;
    this.#counts = counts;
  }

  begin({ emits, outputBytes }: GuestLimits): void {
    this.#eventsLeft = Math.min(emits, this.#ends.room / NUMBER_BYTES);
    this.#mostBytes = Math.min(Math.max(outputBytes, LEAST_BYTES), this.#bytes.room);
  }

  /** Throws the WasiError that the guest is to see where it takes nothing. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) throw INVAL;
    if (this.#eventsLeft === 0) throw this.#refused(NOSPC);
    if (this.#bytes.length + bytes.length > this.#mostBytes) throw this.#refused(MSGSIZE);
    this.#eventsLeft -= 1;
    this.#bytes.append(bytes);
    this.#end[0] = this.#bytes.length;
    this.#ends.append(this.#endBytes);
  }

  #refused(error: WasiError): WasiError {
    Atomics.or(this.#counts, FACT.limits, REACHED);
    return error;
  }
}
