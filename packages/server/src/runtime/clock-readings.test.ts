import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ClockReadings, kindOf, MOST_READING_BYTES } from "./clock-readings.ts";
import { TAPE, type ClockKind } from "./tape.ts";

const CLOCKS: readonly ClockKind[] = ["realtime", "monotonic", "cpu"];
const MOST = (1n << 64n) - 1n;

test("ClockReadings gives back what it wrote, of each clock, whatever it showed", () => {
  const ns = fc.oneof(fc.bigInt(0n, MOST), fc.bigInt(0n, 5_000n), fc.constantFrom(0n, 1n, MOST));
  const readings = fc.array(fc.tuple(fc.constantFrom(...CLOCKS), ns), { maxLength: 30 });
  fc.assert(
    fc.property(readings, (given) => {
      const bytes = new Uint8Array(given.length * MOST_READING_BYTES);
      const writer = new ClockReadings();
      const ends = given.reduce<number[]>(
        (all, [kind, value]) => [...all, writer.write(kind, value, bytes, all.at(-1))],
        [0],
      );
      const reader = new ClockReadings();
      for (const [index, [kind, value]] of given.entries()) {
        assert.equal(kindOf(bytes[ends[index]!]!), TAPE[kind]);
        const reading = reader.read(kind, bytes, ends[index]!);
        assert.deepEqual(reading, { ns: value, end: ends[index + 1] });
      }
    }),
    { numRuns: 1_000 },
  );
});

test("ClockReadings takes two bytes where a clock is looked at twice within half a microsecond", () => {
  const readings = new ClockReadings();
  const bytes = new Uint8Array(MOST_READING_BYTES);
  assert.equal(readings.write("realtime", 1_764_000_000_000_000_000n, bytes), 10);
  assert.equal(readings.write("realtime", 1_764_000_000_000_000_511n, bytes), 2);
});

test("ClockReadings knows a reading that is cut off, or has no end", () => {
  const bytes = new Uint8Array(MOST_READING_BYTES);
  const end = new ClockReadings().write("monotonic", MOST >> 2n, bytes);
  assert.equal(new ClockReadings().read("monotonic", bytes.subarray(0, end - 1), 0), undefined);
  const endless = new Uint8Array(40).fill(0xff);
  assert.equal(new ClockReadings().read("cpu", endless, 0), undefined);
});
