import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatBytes, formatDuration } from "./units.ts";

test("formatDuration() says three figures at most, in the unit a person would", () => {
  const said = [
    0, 0.02, 0.43, 9.96, 12.4, 999.4, 999.6, 1234, 59_949, 59_950, 61_000, 3_600_000, 7_260_000,
    360_000_000,
  ];
  assert.deepEqual(said.map(formatDuration), [
    "0 ms",
    "0.02 ms",
    "0.4 ms",
    "10 ms",
    "12 ms",
    "999 ms",
    "1 s",
    "1.2 s",
    "59.9 s",
    "1m",
    "1m 1s",
    "1h",
    "2h 1m",
    "4d 4h",
  ]);
});

test("formatAge() looks both ways", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  const said = [
    "2026-01-10T00:00:00.400Z",
    "2026-01-09T23:59:48Z",
    "2026-01-09T23:00:00Z",
    "2026-01-08T00:00:00Z",
    "2026-01-10T00:03:00Z",
  ];
  assert.deepEqual(
    said.map((time) => formatAge(time, now)),
    ["now", "12s ago", "1h ago", "2d ago", "in 3m"],
  );
});

test("formatBytes() uses binary units", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 70_000, 2 ** 30 * 5].map(formatBytes), [
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "68 KiB",
    "5 GiB",
  ]);
});
