import assert from "node:assert/strict";
import { test } from "node:test";
import { Outage } from "./outage.ts";

test("Outage waits from 200 ms to 2 s, longer as it lasts, half of it by chance", () => {
  let now = 1000;
  let random = 1;
  const outage = new Outage(
    () => now,
    () => random,
  );
  assert.equal(outage.delayMs(), 200);
  now += 4000;
  assert.equal(outage.lastedMs, 4000);
  assert.equal(outage.delayMs(), 1000);
  random = 0;
  assert.equal(outage.delayMs(), 500);
  now += 3_600_000;
  assert.equal(outage.delayMs(), 1000);
  random = 1;
  assert.equal(outage.delayMs(), 2000);
  outage.begin();
  assert.equal(outage.delayMs(), 200);
});
