import {
  FACT,
  journalFacts,
  NUMBER,
  PAGE_BYTES,
  readEffects,
  type JournalBuffers,
  type JournalFacts,
  type RunEffects,
} from "../journal.ts";
import type { GuestLimits } from "../protocol.ts";
import { Emitted } from "./emitted.ts";
import { LogLines } from "./log-lines.ts";
import { Output } from "./output.ts";
import { SharedBytes } from "./shared-bytes.ts";

/** The guest's side of a journal: all that a run writes goes here, and is read from here at its end. */
export class Journal {
  readonly stdout: Output;
  readonly stderr: LogLines;
  readonly emitted: Emitted;
  readonly #buffers: JournalBuffers;
  readonly #facts: JournalFacts;
  readonly #bytes: readonly SharedBytes[];

  constructor(buffers: JournalBuffers) {
    const facts = journalFacts(buffers);
    const bytes = (name: "output" | "logs" | "lines" | "emitted" | "emits") =>
      new SharedBytes(buffers[name], facts.counts, FACT[name]);
    const [output, logs, lines] = [bytes("output"), bytes("logs"), bytes("lines")];
    const [emitted, emits] = [bytes("emitted"), bytes("emits")];
    this.stdout = new Output(output, facts);
    this.stderr = new LogLines(logs, lines, facts);
    this.emitted = new Emitted(emitted, emits);
    this.#buffers = buffers;
    this.#facts = facts;
    this.#bytes = [output, logs, lines, emitted, emits];
  }

  /** Before a run is under way: nobody may find the last one's in it. */
  clear(): void {
    for (const bytes of this.#bytes) bytes.clear();
    this.#facts.counts.fill(0);
    this.#facts.numbers.fill(0);
  }

  begin(limits: GuestLimits, cold: boolean): void {
    this.stdout.begin(limits.outputBytes);
    this.stderr.begin(limits);
    this.emitted.begin(limits);
    this.#facts.counts[FACT.cold] = cold ? 1 : 0;
    this.#facts.numbers[NUMBER.startedAt] = Date.now();
  }

  /** How large the guest's memory is now. */
  noteMemory(bytes: number): void {
    this.#facts.counts[FACT.pages] = bytes / PAGE_BYTES;
  }

  read(): RunEffects {
    return readEffects(this.#buffers, this.#facts);
  }
}
