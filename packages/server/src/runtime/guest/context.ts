import type { LIMIT_NAMES } from "../journal.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { Journal } from "./journal.ts";
import type { Seat } from "./seat.ts";
import { TAPE_MODE } from "../tape.ts";
import { CALLS } from "../calls.ts";
import { FollowingWorld } from "./following-world.ts";
import { LiveWorld } from "./live-world.ts";
import { RecordingWorld } from "./recording-world.ts";
import { type Diverge, ReplayingWorld } from "./replaying-world.ts";
import { trap } from "./trapping.ts";
import { nanoseconds } from "./wall-clock.ts";
import { Secrets } from "./secrets.ts";
import type { Outside, World } from "./world.ts";
import { Descriptors, type Granted } from "./wasi/descriptors.ts";

/** Zero-ended strings one behind the other, as the guest is to have them. */
export interface Strings {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * What host calls know of the run under way. Import functions are bound to one once; `begin` makes all
 * of it new, so that no run sees another's. Runs that cannot be suspended share one, as they cannot meet.
 */
export class GuestContext {
  readonly memory = new GuestMemory();
  /** What the run is given from outside. */
  world: World;
  journal!: Journal;
  descriptors = new Descriptors(NOTHING_GRANTED);
  stdin: Uint8Array = NOTHING;
  stdinAt = 0;
  args: Strings = NO_STRINGS;
  env: Strings = NO_STRINGS;
  /** Host calls the run may make. */
  mostCalls = 0;
  /** The host call under way, by CALLS. */
  call = 0;
  /** What proc_exit was given. */
  exitCode: number | null = null;
  /** Why a replay cannot go on as its tape does. */
  diverged: string | null = null;
  /** Of the last host call that has one. */
  answer: Uint8Array = NOTHING;
  readonly #live: LiveWorld;
  readonly #recording: RecordingWorld;
  readonly #replaying: ReplayingWorld;
  readonly #following: FollowingWorld;

  constructor(outside: Outside) {
    this.#live = new LiveWorld(outside);
    this.#recording = new RecordingWorld(this.#live);
    const diverge: Diverge = (how, named) => {
      const { calls } = this.journal;
      const name = named === undefined ? ` (${CALLS[this.call]})` : "";
      const where = calls === 0 ? "before its first host call" : `at host call #${calls}${name}`;
      this.diverged = `diverged ${where}: ${how}`;
      return trap();
    };
    this.#replaying = new ReplayingWorld(diverge);
    this.#following = new FollowingWorld(diverge);
    this.world = this.#live;
  }

  /** `startedMs`: by performance.now(). */
  begin(seat: Seat, { mostCalls, startedMs }: { mostCalls: number; startedMs: number }): void {
    this.journal = seat.journal;
    this.world = this.#worldOf(seat, startedMs);
    this.stdin = seat.stdin;
    this.stdinAt = 0;
    this.args = seat.args;
    this.env = seat.env;
    this.mostCalls = mostCalls;
    this.exitCode = null;
    this.diverged = null;
    this.answer = NOTHING;
  }

  /** The files and streams that the run begins with. */
  grant(granted: Granted): void {
    this.descriptors = new Descriptors(granted);
  }

  #worldOf(seat: Seat, startedMs: number): World {
    const secrets = new Secrets(seat.secrets);
    if (seat.tapeMode === TAPE_MODE.replay) {
      this.#replaying.begin(seat.tape, secrets);
      return this.#replaying;
    }
    if (seat.tapeMode === TAPE_MODE.follow) {
      const { tape, tapeStartedAt, journal } = seat;
      const startedNs = nanoseconds(tapeStartedAt);
      this.#following.begin({ tape, startedNs, secrets, asked: journal.tape });
      return this.#following;
    }
    this.#live.begin(startedMs, secrets);
    if (seat.tapeMode === TAPE_MODE.none) return this.#live;
    this.#recording.begin(seat.journal.tape);
    return this.#recording;
  }

  /** Why a replay that came to its end has not gone as its tape did; null: it has, or was none. */
  get unreplayed(): string | null {
    if (this.diverged !== null || this.world !== this.#replaying) return this.diverged;
    const { left } = this.#replaying;
    if (left === undefined) return null;
    return `diverged: it ended after ${this.journal.calls} host calls, and the recording goes on with ${left}`;
  }

  /** A limit has stopped something that the guest wanted. */
  noteLimit(name: (typeof LIMIT_NAMES)[number]): void {
    this.journal.noteLimit(name);
  }

  /** Lets go of all that the run brought. */
  end(): void {
    this.memory.attach(null);
    this.descriptors.end();
    this.stdin = NOTHING;
    this.env = NO_STRINGS;
    this.args = NO_STRINGS;
    this.answer = NOTHING;
  }
}

const NOTHING = new Uint8Array(0);
const NO_STRINGS: Strings = { count: 0, bytes: NOTHING };
const NOTHING_GRANTED: Granted = { preopens: [] };
