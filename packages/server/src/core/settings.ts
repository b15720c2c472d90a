/** What nexus.yaml says about the platform as a whole, every default filled in. */
export interface PlatformSettings {
  /** Largest event accepted, in bytes of its body. */
  readonly eventBytes: number;
  /** Longest chain of emitted events. */
  readonly chainDepth: number;
  readonly rateLimit: RateLimitSettings;
  readonly retention: {
    readonly events: { readonly maxAgeMs?: number; readonly maxBytes?: number };
    readonly invocations: { readonly maxAgeMs?: number; readonly maxBytes?: number };
  };
  readonly replay: {
    /** How often a recorded run is made again to see that it goes the same way; 0: never. */
    readonly verifyEveryMs: number;
  };
}

export interface RateLimitSettings {
  /** Requests of one client; absent: as many as it likes. */
  readonly requests?: Rate;
  /** Wrong API tokens from one address; absent: as many as come. */
  readonly wrongTokens?: Rate;
}

/** So many at once after a pause, and in the long run so many a second. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** `perSecond` requests, and twice as many at once where `burst` does not say. */
export function requestRate(perSecond: number, burst = 2 * perSecond): Rate {
  return { perSecond, burst };
}

/** As many at once as in a minute: whoever mistypes a token waits for nothing. */
export function wrongTokenRate(perMinute: number): Rate | undefined {
  return perMinute === 0 ? undefined : { perSecond: perMinute / 60, burst: perMinute };
}

export const WRONG_TOKENS_A_MINUTE = 30;

export const DEFAULT_PLATFORM_SETTINGS: PlatformSettings = {
  eventBytes: 1024 * 1024,
  chainDepth: 16,
  rateLimit: { wrongTokens: wrongTokenRate(WRONG_TOKENS_A_MINUTE)! },
  retention: { events: {}, invocations: {} },
  replay: { verifyEveryMs: 10_000 },
};
