/** The oldest nats-server that has what the driver needs: direct reads, and deduplication that can be relied on. */
export const MIN_NATS_VERSION = "2.9.0";

/** From here on a nats-server can be told to sync every write: `sync_interval: always`. */
export const SYNC_ALWAYS_VERSION = "2.10.0";

/** From here on a consumer takes several filters. */
export const SEVERAL_FILTERS_VERSION = "2.10.0";

/**
 * Whether `version` is `min` or newer. What follows the three numbers does not count: 2.12.0-beta.1 has
 * what 2.12.0 has, as far as anyone can tell from outside. False for what is no version.
 */
export function atLeast(version: string, min: string): boolean {
  const has = numbersOf(version);
  const needs = numbersOf(min);
  if (has === undefined || needs === undefined) return false;
  for (const [index, number] of needs.entries()) {
    if (has[index] !== number) return has[index]! > number;
  }
  return true;
}

function numbersOf(version: string): readonly number[] | undefined {
  return /^v?(\d+)\.(\d+)\.(\d+)(?![\d.])/.exec(version)?.slice(1).map(Number);
}
