import { ClockReadings, kindOf } from "../clock-readings.ts";
import type { HostAnswer, HostCall } from "../host-calls.ts";
import { decodeCall, describeCall, sameParts, tapedParts } from "../taped-call.ts";
import { secretName, secretWas } from "../taped-secret.ts";
import { NO_SECRETS, type Secrets } from "./secrets.ts";
import {
  COUNT_BYTES,
  SEED_BYTES,
  TAPE,
  tapeKindName,
  type ClockKind,
  type TapeKind,
} from "../tape.ts";
import { seededBytes } from "./seeded-bytes.ts";
import type { World } from "./world.ts";

/** Why a run cannot go on as its tape does. Never returns: the run is ended. `named`: it says which host call it is. */
export type Diverge = (how: string, named?: "named") => never;

/** What a tape says, and nothing of the machine's own. One serves many runs. */
export class ReplayingWorld implements World {
  readonly #diverge: Diverge;
  #tape = new Uint8Array(0);
  #view = new DataView(this.#tape.buffer);
  readonly #readings = new ClockReadings();
  #at = 0;
  #secrets: Secrets = NO_SECRETS;
  /** Those that the run has been given. */
  #given: Uint8Array[] = [];

  constructor(diverge: Diverge) {
    this.#diverge = diverge;
  }

  /** `secrets`: as they are now; what the run is given of them has to be what it was. */
  begin(tape: Uint8Array, secrets: Secrets): void {
    this.#secrets = secrets;
    this.#given = [];
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
    const count = this.#count(kind);
    if (count !== bytes.length) {
      this.#diverge(`it asks for ${bytes.length} random bytes, and was given ${count}`);
    }
    const kept = this.#take(kind === "seed" ? SEED_BYTES : count);
    if (kind === "seed") seededBytes(kept, bytes);
    else bytes.set(kept);
  }

  /** What was waited for has come: the clock readings that follow say so. */
  sleep(): void {}

  ask(call: HostCall): HostAnswer {
    const asked = { name: call.name, parts: tapedParts(call, this.#given) };
    const { left } = this;
    if (left !== "call") {
      const given = left === undefined ? "the recording ends before" : `was given ${left}`;
      return this.#diverge(`${describeCall(asked)}, and ${given}`, "named");
    }
    const recorded = decodeCall(this.#counted("call")) ?? this.#cutOff();
    if (recorded.name !== asked.name || !sameParts(recorded.parts, asked.parts)) {
      const how = `${describeCall(asked)}, recorded ${describeCall(recorded)}`;
      this.#diverge(how, "named");
    }
    return recorded;
  }

  secret(name: string): Uint8Array | undefined {
    const entry = this.#counted("secret");
    const value = this.#secrets.get(name);
    const same = secretWas(entry, name, value);
    if (same === undefined) {
      const recorded = secretName(entry) ?? this.#cutOff();
      this.#diverge(`it asks for the secret "${name}", recorded "${recorded}"`);
    }
    if (!same) {
      const now = value === undefined ? "is not there any more" : "is not what it was";
      this.#diverge(`the secret "${name}" ${now}`);
    }
    if (value !== undefined) this.#given.push(value);
    return value;
  }

  #counted(kind: TapeKind): Uint8Array {
    return this.#take(this.#count(kind));
  }

  /** Of an entry that has bytes behind it: how many. */
  #count(kind: TapeKind): number {
    this.#expect(kind);
    const head = this.#at + 1;
    this.#take(1 + COUNT_BYTES);
    return this.#view.getUint32(head, true);
  }

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
