import {
  END,
  FACT,
  journalFacts,
  LAST_CALLS,
  LIMIT_NAMES,
  NUMBER,
  type JournalBuffers,
  type JournalFacts,
} from "../journal.ts";
import type { GuestLimits, RunEnd, Trouble } from "../protocol.ts";
import { Emitted } from "./emitted.ts";
import { LogLines } from "./log-lines.ts";
import { Output } from "./output.ts";
import { SharedBytes } from "./shared-bytes.ts";
import { Tape } from "./tape.ts";

const utf8 = new TextEncoder();
const MOST_REASON = 4_096;

/** The guest's side of a journal: all that a run writes goes here, and is read from here at its end. */
export class Journal {
  readonly stdout: Output;
  readonly stderr: LogLines;
  readonly emitted: Emitted;
  readonly tape: Tape;
  readonly #facts: JournalFacts;
  readonly #bytes: readonly SharedBytes[];
  readonly #trouble: SharedBytes;

  constructor(buffers: JournalBuffers) {
    const facts = journalFacts(buffers);
    const bytes = (name: Exclude<keyof JournalBuffers, "facts">) =>
      new SharedBytes(buffers[name], facts.counts, FACT[name]);
    const [output, logs, lines] = [bytes("output"), bytes("logs"), bytes("lines")];
    const [emitted, emits] = [bytes("emitted"), bytes("emits")];
    this.stdout = new Output(output, facts);
    this.stderr = new LogLines(logs, lines, facts);
    this.emitted = new Emitted(emitted, emits, facts);
    const tape = bytes("tape");
    this.tape = new Tape(tape, facts);
    this.#trouble = bytes("trouble");
    this.#facts = facts;
    this.#bytes = [output, logs, lines, emitted, emits, tape, this.#trouble];
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
    this.tape.begin();
    this.#facts.counts[FACT.cold] = cold ? 1 : 0;
    this.#facts.numbers[NUMBER.startedAt] = Date.now();
  }

  /** How large the guest's memory is now. */
  notePages(pages: number): void {
    this.#facts.counts[FACT.pages] = pages;
  }

  noteLimit(name: (typeof LIMIT_NAMES)[number]): void {
    this.#facts.counts[FACT.limits]! |= 1 << LIMIT_NAMES.indexOf(name);
  }

  /** Host calls made so far. */
  get calls(): number {
    return this.#facts.counts[FACT.calls]!;
  }

  /** Counts a host call before it is made; gives how many there are now. */
  countCall(): number {
    return (this.#facts.counts[FACT.calls]! += 1);
  }

  /** What the present host call answered. `call`: the function's number, by CALLS. */
  noteCall(call: number, answer: number): void {
    const { counts } = this.#facts;
    // A remainder would be negative once the count has gone round.
    counts[FACT.lastCalls + (counts[FACT.calls]! & (LAST_CALLS - 1))] = (call << 8) | answer;
  }

  noteEnd(end: RunEnd, durationMs: number, suspendedMs: number): void {
    const { counts, numbers } = this.#facts;
    numbers[NUMBER.durationMs] = durationMs;
    numbers[NUMBER.suspendedMs] = suspendedMs;
    switch (end.kind) {
      case "exit":
        counts[FACT.exitCode] = end.code;
        counts[FACT.end] = END.exit;
        break;
      case "trap":
        this.#explain(end);
        counts[FACT.end] = END.trap;
        break;
      case "no_memory":
        this.#explain({ reason: end.reason, frames: [] });
        counts[FACT.end] = END.noMemory;
        break;
      case "diverged":
        this.#explain({ reason: end.reason, frames: [] });
        counts[FACT.end] = END.diverged;
        break;
      case "timed_out":
        counts[FACT.end] = END.timedOut;
        break;
    }
  }

  #explain({ reason, frames, limit }: Trouble): void {
    const told: Trouble = {
      reason: reason.slice(0, MOST_REASON),
      frames,
      ...(limit === undefined ? {} : { limit }),
    };
    this.#trouble.append(utf8.encode(JSON.stringify(told)));
  }
}
