import type { Rate } from "../core/settings.ts";

/** What became of a request for one token of a bucket. */
export interface Taken {
  /** Whether there was one. */
  readonly taken: boolean;
  /** Whole tokens left. */
  readonly left: number;
  /** Until there is one more; 0 where one is left. */
  readonly waitMs: number;
  /** Until the bucket is full. */
  readonly fullMs: number;
}

interface Bucket {
  /** Tokens in it at that time, with a fraction of the next one. */
  level: number;
  atMs: number;
}

// Sums of fractions of a token come out a little beside what they are.
const EPSILON = 1e-6;

/**
 * Token buckets by key: `burst` tokens at first, `perSecond` more each second, never more than `burst`.
 * At most 2 × `maxKeys` are kept. A bucket that is full is as good as none, and goes; where more keys
 * come before theirs are full, those longest out of use begin anew, with a full one.
 */
export class Buckets<K> {
  readonly #maxKeys: number;
  // Two generations: a bucket in use moves to the younger, and the elder goes as a whole.
  #younger = new Map<K, Bucket>();
  #elder = new Map<K, Bucket>();
  #turnedAtMs = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#younger.size + this.#elder.size;
  }

  /** Takes one token, where there is one. `nowMs` never goes back. */
  take(key: K, nowMs: number, rate: Rate): Taken {
    const bucket = this.#bucket(key, nowMs, rate);
    let level = levelOf(bucket, nowMs, rate);
    const taken = level >= 1 - EPSILON;
    if (taken) level -= 1;
    bucket.level = level;
    bucket.atMs = nowMs;
    return {
      taken,
      left: Math.max(0, Math.floor(level + EPSILON)),
      waitMs: msUntil(1, level, rate),
      fullMs: msUntil(rate.burst, level, rate),
    };
  }

  /** How long until `take` gives a token; 0: it would now. */
  waitMs(key: K, nowMs: number, rate: Rate): number {
    const bucket = this.#younger.get(key) ?? this.#elder.get(key);
    return bucket === undefined ? 0 : msUntil(1, levelOf(bucket, nowMs, rate), rate);
  }

  #bucket(key: K, nowMs: number, rate: Rate): Bucket {
    let bucket = this.#younger.get(key);
    if (bucket !== undefined) return bucket;
    const fullMs = (rate.burst * 1000) / rate.perSecond;
    // By then all of the elder generation are full again.
    if (this.#younger.size >= this.#maxKeys || nowMs - this.#turnedAtMs > fullMs) this.#turn(nowMs);
    bucket = this.#elder.get(key) ?? { level: rate.burst, atMs: nowMs };
    this.#elder.delete(key);
    this.#younger.set(key, bucket);
    return bucket;
  }

  #turn(nowMs: number): void {
    this.#elder = this.#younger;
    this.#younger = new Map();
    this.#turnedAtMs = nowMs;
  }
}

function levelOf({ level, atMs }: Bucket, nowMs: number, { perSecond, burst }: Rate): number {
  return Math.min(burst, level + ((nowMs - atMs) * perSecond) / 1000);
}

function msUntil(wanted: number, level: number, { perSecond }: Rate): number {
  return level >= wanted - EPSILON ? 0 : ((wanted - level) * 1000) / perSecond;
}
