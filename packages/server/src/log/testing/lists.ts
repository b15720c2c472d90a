import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { typeMatches } from "../../core/pattern.ts";
import { allPages, newEvent, newEvents, positions, type TestStore } from "./fixtures.ts";

export function testLists(make: () => Promise<TestStore>): void {
  test("list() gives the newest first, page by page, each once", async () => {
    await using store = await make();
    await using log = await store.open();
    const all = positions(await log.append(newEvents(25))).toReversed();
    const pages = await allPages((page) => log.list({}, page), 10);
    assert.deepEqual(
      pages.map(({ length }) => length),
      [10, 10, 5],
    );
    assert.deepEqual(positions(pages.flat()), all);
  });

  test("list() gives no cursor where the last page is full", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(10));
    const page = await log.list({}, { limit: 10 });
    assert.equal(page.items.length, 10);
    assert.equal(page.nextCursor, undefined);
  });

  test("list() of an empty log is one empty page", async () => {
    await using store = await make();
    await using log = await store.open();
    assert.deepEqual(await log.list({ type: "a.*", source: "/s" }, { limit: 10 }), { items: [] });
  });

  test("list() with any filter gives what a scan would, whatever the page size", async () => {
    await using store = await make();
    await using log = await store.open();
    const types = ["com.a.x", "com.a.y", "com.b", "nexus.http.request", "org.z"];
    const sources = ["/one", "/two"];
    const input = Array.from({ length: 200 }, (_, i) =>
      newEvent({ type: types[(i * 7) % 5]!, source: sources[(i * 3) % 2]! }),
    );
    // In pieces, so that times differ: they are the store's own.
    for (let i = 0; i < input.length; i += 10) await log.append(input.slice(i, i + 10));
    const everything = (await allPages((page) => log.list({}, page), 1000)).flat();
    assert.equal(everything.length, 200);
    const patterns = ["com.*", "com.a.*", "*", "org.z", "nexus.*", "none.*", "*.x", "c*y"];
    const times = everything.map(({ acceptedAt }) => acceptedAt);
    const time = fc.integer({ min: Math.min(...times) - 1, max: Math.max(...times) + 2 });
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.constantFrom(...patterns), { nil: undefined }),
        fc.option(fc.constantFrom(...sources, "/none"), { nil: undefined }),
        fc.option(time, { nil: undefined }),
        fc.option(time, { nil: undefined }),
        fc.integer({ min: 1, max: 60 }),
        async (type, source, since, until, limit) => {
          const filter = {
            ...(type === undefined ? {} : { type }),
            ...(source === undefined ? {} : { source }),
            ...(since === undefined ? {} : { since }),
            ...(until === undefined ? {} : { until }),
          };
          const wanted = everything.filter(
            ({ event, acceptedAt }) =>
              (type === undefined || typeMatches(type, event.type)) &&
              (source === undefined || event.source === source) &&
              (since === undefined || acceptedAt >= since) &&
              (until === undefined || acceptedAt < until),
          );
          const pages = await allPages((page) => log.list(filter, page), limit);
          assert.deepEqual(positions(pages.flat()), positions(wanted));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("list() by a pattern over more types than can be merged gives what a scan would", async () => {
    await using store = await make();
    await using log = await store.open();
    const input = Array.from({ length: 300 }, (_, i) =>
      newEvent({ type: i % 3 === 0 ? `org.other.${i}` : `com.t${i}` }),
    );
    const answers = await log.append(input);
    const wanted = positions(answers.filter((_, i) => i % 3 !== 0)).toReversed();
    const pages = await allPages((page) => log.list({ type: "com.*" }, page), 70);
    assert.deepEqual(positions(pages.flat()), wanted);
  });

  test("list() goes on where it stopped while events come in and go", async () => {
    await using store = await make();
    await using log = await store.open();
    const all = positions(await log.append(newEvents(30)));
    const first = await log.list({}, { limit: 10 });
    await log.append(newEvents(10));
    const second = await log.list({}, { limit: 10, cursor: first.nextCursor! });
    assert.deepEqual(positions([...first.items, ...second.items]), all.slice(10).toReversed());
  });

  test("list() refuses a cursor that it did not give for this filter with CURSOR_INVALID", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append(newEvents(5));
    const { nextCursor } = await log.list({ type: "com.*" }, { limit: 2 });
    const nonsense = [
      "",
      "x",
      "%%%",
      "12",
      "ff".repeat(500),
      nextCursor!.slice(1),
      `${nextCursor!}A`,
    ];
    for (const cursor of nonsense) {
      await assert.rejects(log.list({ type: "com.*" }, { limit: 2, cursor }), {
        code: "CURSOR_INVALID",
      });
    }
    await assert.rejects(log.list({}, { limit: 2, cursor: nextCursor! }), {
      code: "CURSOR_INVALID",
    });
    await assert.rejects(log.invocations.list({}, { limit: 2, cursor: nextCursor! }), {
      code: "CURSOR_INVALID",
    });
    await assert.rejects(log.deadLetters.list({}, { limit: 2, cursor: "nonsense" }), {
      code: "CURSOR_INVALID",
    });
  });
}
