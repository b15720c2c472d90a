import { ClockReadings, kindOf } from "../clock-readings.ts";
import { SEED_BYTES, TAPE, tapeKindName, type ClockKind, type TapeKind } from "../tape.ts";
import { seededBytes } from "./seeded-bytes.ts";
import type { World } from "./world.ts";

/** Why a run cannot go on as its tape does. Never returns: the run is ended. */
export type Diverge = (how: string) => never;

/** What a tape says, and nothing of the machine's own. One serves many runs. */
export class ReplayingWorld implements World {
  readonly #diverge: Diverge;
  #tape = new Uint8Array(0);
  #view = new DataView(this.#tape.buffer);
  readonly #readings = new ClockReadings();
  #at = 0;

  constructor(diverge: Diverge) {
    this.#diverge = diverge;
  }

  begin(tape: Uint8Array): void {
    // A copy: what lies in a seat belongs to whoever gets that next.
    this.#tape = tape.slice();
    this.#view = new DataView(this.#tape.buffer);
    this.#readings.begin();
    this.#at = 0;
  }

  /** What comes next on the tape; undefined: it was used up. */
  get left(): string | undefined {
    return this.#at < this.#tape.length ? tapeKindName(kindOf(this.#tape[this.#at]!)) : undefined;
  }

  realtime(): bigint {
    return this.#clock("realtime");
  }

  monotonic(): bigint {
    return this.#clock("monotonic");
  }

  cpu(): bigint {
    return this.#clock("cpu");
  }

  random(bytes: Uint8Array): void {
    const kind = this.#tape[this.#at] === TAPE.seed ? "seed" : "random";
    this.#expect(kind);
    const head = this.#at + 1;
    this.#take(1 + 4);
    const count = this.#view.getUint32(head, true);
    if (count !== bytes.length) {
      this.#diverge(`it asks for ${bytes.length} random bytes, and was given ${count}`);
    }
    const kept = this.#take(kind === "seed" ? SEED_BYTES : count);
    if (kind === "seed") seededBytes(kept, bytes);
    else bytes.set(kept);
  }

  /** What was waited for has come: the clock readings that follow say so. */
  sleep(): void {}

  #clock(kind: ClockKind): bigint {
    this.#expect(kind);
    const reading = this.#readings.read(kind, this.#tape, this.#at) ?? this.#cutOff();
    this.#at = reading.end;
    return reading.ns;
  }

  #expect(kind: TapeKind): void {
    const { left } = this;
    if (left === undefined) this.#diverge(`it asks for ${kind}, and the recording ends before`);
    if (left !== kind) this.#diverge(`it asks for ${kind}, and was given ${left}`);
  }

  #take(bytes: number): Uint8Array {
    const end = this.#at + bytes;
    if (end > this.#tape.length) this.#cutOff();
    const taken = this.#tape.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #cutOff(): never {
    return this.#diverge("the recording is cut off in the middle of an entry");
  }
}
