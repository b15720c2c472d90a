import { FACT, type JournalFacts } from "../journal.ts";
import { KEPT_OF_FULL } from "../tape.ts";
import type { SharedBytes } from "./shared-bytes.ts";

/** Keeps what a run is given, up to a limit, and tells where that was not all. One serves many runs. */
export class Tape {
  readonly #bytes: SharedBytes;
  readonly #counts: JournalFacts["counts"];
  #full = false;
  /** How many of the first bytes are whole entries that stay where the rest is given up. */
  #kept = 0;

  constructor(bytes: SharedBytes, { counts }: JournalFacts) {
    this.#bytes = bytes;
    this.#counts = counts;
  }

  begin(): void {
    this.#full = false;
    this.#kept = 0;
  }

  append(entry: Uint8Array): void {
    if (this.#full) return;
    if (this.#bytes.length + entry.length > this.#bytes.room) return this.giveUp();
    this.#bytes.append(entry);
    if (this.#bytes.length <= KEPT_OF_FULL) this.#kept = this.#bytes.length;
  }

  /** Keeps no more: what the run was given is not all there, and said not to be. */
  giveUp(): void {
    if (this.#full) return;
    this.#full = true;
    this.#counts[FACT.tapeFull] = 1;
    this.#bytes.cut(this.#kept);
  }
}
