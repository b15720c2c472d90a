/** What nexus.yaml says about the platform as a whole, every default filled in. */
export interface PlatformSettings {
  /** Largest event accepted, in bytes of its body. */
  readonly eventBytes: number;
  /** Longest chain of emitted events. */
  readonly chainDepth: number;
  readonly retention: {
    readonly events: { readonly maxAgeMs?: number; readonly maxBytes?: number };
    readonly invocations: { readonly maxAgeMs?: number; readonly maxBytes?: number };
  };
}

export const DEFAULT_PLATFORM_SETTINGS: PlatformSettings = {
  eventBytes: 1024 * 1024,
  chainDepth: 16,
  retention: { events: {}, invocations: {} },
};
