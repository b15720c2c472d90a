import { ClockReadings, MOST_READING_BYTES } from "../clock-readings.ts";
import type { HostAnswer, HostCall } from "../host-calls.ts";
import { encodeCall, tapedParts, type TapedCall } from "../taped-call.ts";
import { encodeSecret, SALT_BYTES } from "../taped-secret.ts";
import {
  countedEntry,
  MOST_CLOCK_BYTES,
  MOST_RANDOM_BYTES,
  SEED_BYTES,
  type ClockKind,
  type TapeKind,
} from "../tape.ts";
import type { LiveWorld } from "./live-world.ts";
import { seededBytes } from "./seeded-bytes.ts";
import type { Tape } from "./tape.ts";
import type { World } from "./world.ts";

/** What the live world gives, with a note on the tape of everything it gave. One serves many runs. */
export class RecordingWorld implements World {
  readonly #live: LiveWorld;
  readonly #readings = new ClockReadings();
  readonly #entry = new Uint8Array(MOST_READING_BYTES);
  #clockBytes = 0;
  #tape!: Tape;
  /** Those that the run has been given. */
  #secrets: Uint8Array[] = [];

  constructor(live: LiveWorld) {
    this.#live = live;
  }

  begin(tape: Tape): void {
    this.#tape = tape;
    this.#readings.begin();
    this.#clockBytes = 0;
    this.#secrets = [];
  }

  realtime(): bigint {
    return this.#note("realtime", this.#live.realtime());
  }

  monotonic(): bigint {
    return this.#note("monotonic", this.#live.monotonic());
  }

  cpu(): bigint {
    return this.#note("cpu", this.#live.cpu());
  }

  random(bytes: Uint8Array): void {
    if (bytes.length <= MOST_RANDOM_BYTES) {
      this.#live.random(bytes);
      this.#noteBytes("random", bytes.length, bytes);
      return;
    }
    const seed = new Uint8Array(SEED_BYTES);
    this.#live.random(seed);
    seededBytes(seed, bytes);
    this.#noteBytes("seed", bytes.length, seed);
  }

  sleep(dueNs: bigint): void | Promise<void> {
    return this.#live.sleep(dueNs);
  }

  ask(call: HostCall): HostAnswer | Promise<HostAnswer> {
    const parts = tapedParts(call, this.#secrets);
    const keep = (answer: HostAnswer): HostAnswer => {
      noteCall(this.#tape, { name: call.name, parts, ...answer });
      return answer;
    };
    const answer = this.#live.ask(call);
    return answer instanceof Promise ? answer.then(keep) : keep(answer);
  }

  secret(name: string): Uint8Array | undefined {
    const value = this.#live.secret(name);
    const salt = new Uint8Array(SALT_BYTES);
    this.#live.random(salt);
    const entry = encodeSecret(name, value, salt);
    this.#noteBytes("secret", entry.length, entry);
    if (value !== undefined) this.#secrets.push(value);
    return value;
  }

  #note(kind: ClockKind, ns: bigint): bigint {
    const bytes = this.#readings.write(kind, ns, this.#entry);
    this.#clockBytes += bytes;
    if (this.#clockBytes > MOST_CLOCK_BYTES) this.#tape.giveUp();
    else this.#tape.append(this.#entry.subarray(0, bytes));
    return ns;
  }

  #noteBytes(kind: TapeKind, count: number, bytes: Uint8Array): void {
    this.#tape.append(countedEntry(kind, count, bytes));
  }
}

/** Notes a call and its answer on a tape. */
export function noteCall(tape: Tape, call: TapedCall): void {
  const entry = encodeCall(call);
  tape.append(countedEntry("call", entry.length, entry));
}
