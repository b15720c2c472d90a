import { NUMBER, type JournalFacts } from "../journal.ts";
import type { SharedBytes } from "./shared-bytes.ts";

/** Keeps the first bytes of a stream up to a limit and counts the rest. One serves many runs. */
export class Output {
  readonly #kept: SharedBytes;
  readonly #numbers: JournalFacts["numbers"];
  #limit = 0;

  constructor(kept: SharedBytes, { numbers }: JournalFacts) {
    this.#kept = kept;
    this.#numbers = numbers;
  }

  begin(limit: number): void {
    this.#limit = Math.min(limit, this.#kept.room);
  }

  write(bytes: Uint8Array): void {
    // Before the bytes are published: nobody shall read more of them than were counted.
    this.#numbers[NUMBER.outputBytes]! += bytes.length;
    const keep = Math.min(bytes.length, this.#limit - this.#kept.length);
    if (keep <= 0) return;
    this.#kept.append(keep === bytes.length ? bytes : bytes.subarray(0, keep));
  }
}
