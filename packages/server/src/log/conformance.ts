import { describe } from "node:test";
import { testAppend } from "./testing/append.ts";
import { testClaim } from "./testing/claim.ts";
import { testConsume } from "./testing/consume.ts";
import type { TestStore } from "./testing/fixtures.ts";
import { testLists } from "./testing/lists.ts";
import { testOrder } from "./testing/order.ts";
import { testRecordings } from "./testing/recordings.ts";
import { testRecords } from "./testing/records.ts";
import { testState } from "./testing/state.ts";
import { testTrim } from "./testing/trim.ts";
import { testWatch } from "./testing/watch.ts";

/**
 * What every driver has to do. `make` makes an empty store; the log on it is opened again and again.
 * `stores`: how many of them the tests may make that make a new one for each of their plans. `nodes`: how
 * many logs may be open on one at a time.
 */
export function testLog(
  name: string,
  make: () => Promise<TestStore>,
  options: { readonly stores?: number; readonly nodes?: number } = {},
): void {
  const { stores = 25, nodes = 1 } = options;
  describe(`event log: ${name}`, () => {
    describe("append and find", () => testAppend(make));
    describe("list", () => testLists(make));
    describe("consume and settle", () => testConsume(make));
    describe("order", () => testOrder(make, stores));
    describe("claim", () => testClaim(make));
    describe("records and dead letters", () => testRecords(make));
    describe("recordings", () => testRecordings(make));
    describe("state", () => testState(make, { nodes, stores }));
    describe("watch", () => testWatch(make));
    describe("trim", () => testTrim(make));
  });
}
