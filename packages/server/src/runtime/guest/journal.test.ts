import assert from "node:assert/strict";
import { test } from "node:test";
import { TEST_LIMITS } from "../../testing/limits.ts";
import { CALLS } from "../calls.ts";
import { HostSeat } from "../host/seat.ts";
import { FACT, journalFacts } from "../journal.ts";
import { Journal } from "./journal.ts";

test("noteCall() keeps to its place when the count of calls has gone round", () => {
  const seat = new HostSeat();
  const { journal: buffers } = seat.buffers;
  const journal = new Journal(buffers);
  journal.clear();
  journal.begin(TEST_LIMITS, false);
  const { counts } = journalFacts(buffers);
  counts[FACT.calls] = 2 ** 31 - 4;
  for (let call = 0; call < 12; call += 1) {
    journal.countCall();
    journal.noteCall(CALLS.indexOf("fd_write"), 0);
  }
  assert.equal(seat.effects().limits.length, 0);
  journal.noteEnd({ kind: "trap", reason: "a test", frames: [] }, 1, 0);
  assert.deepEqual(
    seat.result().lastCalls,
    Array.from({ length: 8 }, () => "fd_write -> success"),
  );
  assert.equal(seat.result().end.kind, "trap");
});
