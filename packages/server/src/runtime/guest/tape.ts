import { FACT, type JournalFacts } from "../journal.ts";
import type { SharedBytes } from "./shared-bytes.ts";

/** Keeps what a run is given, up to a limit, and tells where that was not all. One serves many runs. */
export class Tape {
  readonly #bytes: SharedBytes;
  readonly #counts: JournalFacts["counts"];
  #full = false;

  constructor(bytes: SharedBytes, { counts }: JournalFacts) {
    this.#bytes = bytes;
    this.#counts = counts;
  }

  begin(): void {
    this.#full = false;
  }

  append(entry: Uint8Array): void {
    if (this.#full) return;
    if (this.#bytes.length + entry.length > this.#bytes.room) {
      this.#full = true;
      this.#counts[FACT.tapeFull] = 1;
      return;
    }
    this.#bytes.append(entry);
  }
}
