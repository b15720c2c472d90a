import { createHash } from "node:crypto";
import type { HostAnswer, HostCall } from "../host-calls.ts";
import { callIn, describeCall, tapedParts, type TapedCall } from "../taped-call.ts";
import { NO_SECRETS, type Secrets } from "./secrets.ts";
import { tapeEntries, type CountedEntry } from "../tape-entries.ts";
import type { ClockKind } from "../tape.ts";
import { noteCall } from "./recording-world.ts";
import type { Diverge } from "./replaying-world.ts";
import { SeededStream } from "./seeded-bytes.ts";
import { SuppressedCalls } from "./suppressed-calls.ts";
import type { Tape } from "./tape.ts";
import type { World } from "./world.ts";

/** What a clock goes on by at each reading that is not on the tape. */
const STEP_NS = 1_000n;

/** What a run follows. */
export interface Followed {
  readonly tape: Uint8Array;
  /** Nanoseconds since the Unix epoch at which the recorded run began. */
  readonly startedNs: bigint;
  readonly secrets: Secrets;
  /** Gets the calls that the run makes, with their answers. */
  readonly asked: Tape;
}

/**
 * What a tape says, given to another version than the one it was recorded of, which asks for other things
 * and in another order: the first reading of a clock is the first one recorded of that clock, and so on;
 * behind the last one the clock goes on in small steps. Random bytes are those of the tape, one after
 * another however many are asked for at a time, then a stream that follows from the tape. Nothing is the
 * machine's own, so two such runs are alike. Only a host call whose answer nobody knows makes it diverge. Asked for the same as then, it gives the same. One serves many runs.
 */
export class FollowingWorld implements World {
  #tape: Uint8Array = NOTHING;
  #recorded = nothingRecorded();
  /** How many were given of each. */
  readonly #given = { realtime: 0, monotonic: 0, cpu: 0, random: 0 };
  /** What each clock showed last. */
  readonly #last = { realtime: 0n, monotonic: 0n, cpu: 0n };
  /** What this run has waited for that the recorded one had not. */
  #waitedNs = 0n;
  /** The monotonic clock never shows less. */
  #floorNs = 0n;
  /** Random bytes of the entry that was reached last, of which some are left. */
  #bytes: Uint8Array = NOTHING;
  #stream: SeededStream | undefined;
  #secrets: Secrets = NO_SECRETS;
  #secretsGiven: Uint8Array[] = [];
  readonly #calls = new SuppressedCalls();
  readonly #diverge: Diverge;
  #asked!: Tape;

  constructor(diverge: Diverge) {
    this.#diverge = diverge;
  }

  begin({ tape, startedNs, secrets, asked }: Followed): void {
    this.#secrets = secrets;
    this.#secretsGiven = [];
    this.#asked = asked;
    // A copy: what lies in a seat belongs to whoever gets that next.
    this.#tape = tape.slice();
    this.#recorded = nothingRecorded();
    const calls: TapedCall[] = [];
    for (const entry of tapeEntries(this.#tape)) {
      if ("ns" in entry) this.#recorded[entry.kind].push(entry.ns);
      else if (entry.kind === "call") calls.push(...callIn(entry));
      else if (entry.kind !== "secret") this.#recorded.random.push(entry);
    }
    this.#calls.begin(calls);
    Object.assign(this.#given, { realtime: 0, monotonic: 0, cpu: 0, random: 0 });
    const base = (this.#recorded.realtime[0] ?? startedNs) - STEP_NS;
    Object.assign(this.#last, { realtime: base, monotonic: base, cpu: -STEP_NS });
    this.#waitedNs = 0n;
    this.#floorNs = 0n;
    this.#bytes = NOTHING;
    this.#stream = undefined;
  }

  realtime(): bigint {
    return this.#next("realtime") + this.#waitedNs;
  }

  monotonic(): bigint {
    const ns = this.#next("monotonic") + this.#waitedNs;
    // The recorded run has not waited as long: from now on both clocks have gone on by that.
    if (ns < this.#floorNs) this.#waitedNs += this.#floorNs - ns;
    else this.#floorNs = ns;
    return this.#floorNs;
  }

  cpu(): bigint {
    return this.#next("cpu");
  }

  random(bytes: Uint8Array): void {
    let filled = 0;
    while (filled < bytes.length) {
      const rest = bytes.subarray(filled);
      filled += this.#taken(rest) || this.#streamed(rest) || this.#reachNextBytes();
    }
  }

  sleep(dueNs: bigint): void {
    if (dueNs > this.#floorNs) this.#floorNs = dueNs;
  }

  ask(call: HostCall): HostAnswer {
    const parts = tapedParts(call, this.#secretsGiven);
    const answer = this.#calls.answer(call, parts);
    if (answer === undefined) {
      const asked = describeCall({ name: call.name, parts });
      return this.#diverge(`${asked}, which the recording does not have`, "named");
    }
    noteCall(this.#asked, { name: call.name, parts, ...answer });
    return answer;
  }

  secret(name: string): Uint8Array | undefined {
    const value = this.#secrets.get(name);
    if (value !== undefined) this.#secretsGiven.push(value);
    return value;
  }

  #next(clock: ClockKind): bigint {
    const ns = this.#recorded[clock][this.#given[clock]] ?? this.#last[clock] + STEP_NS;
    this.#given[clock] += 1;
    this.#last[clock] = ns;
    return ns;
  }

  #taken(into: Uint8Array): number {
    const part = this.#bytes.subarray(0, into.length);
    into.set(part);
    this.#bytes = this.#bytes.subarray(part.length);
    return part.length;
  }

  #streamed(into: Uint8Array): number {
    return this.#stream?.read(into) ?? 0;
  }

  /** Gives none yet. */
  #reachNextBytes(): 0 {
    const entry = this.#recorded.random[this.#given.random];
    this.#given.random += 1;
    if (entry === undefined) {
      const key = createHash("sha256").update(this.#tape).digest();
      this.#stream = new SeededStream(key, Infinity);
    } else if (entry.kind === "random") {
      this.#bytes = entry.bytes;
    } else {
      this.#stream = new SeededStream(entry.bytes, entry.count);
    }
    return 0;
  }
}

interface Recorded extends Record<ClockKind, bigint[]> {
  readonly random: CountedEntry[];
}

function nothingRecorded(): Recorded {
  return { realtime: [], monotonic: [], cpu: [], random: [] };
}

const NOTHING = new Uint8Array(0);
