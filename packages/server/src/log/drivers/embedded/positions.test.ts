import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Batch } from "./committer.ts";
import { MARK, namedPositionKey } from "./keys.ts";
import { PositionIndex } from "./positions.ts";
import { openStore, type Store } from "./store.ts";

const NAMES = [1, 2, 3] as const;

async function withStore(use: (store: Store) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "nexus-positions-"));
  const store = openStore(dir);
  try {
    await use(store);
  } finally {
    await store.close();
    await rm(dir, { recursive: true });
  }
}

async function commit(store: Store, write: (batch: Batch) => void): Promise<void> {
  const batch = new Batch();
  write(batch);
  await store.transact(() => batch.write());
}

/** Every answer about the positions that are there; the index may know of some that went. */
function assertHas(index: PositionIndex, live: ReadonlyMap<number, number>, last: number): void {
  for (const name of NAMES) {
    const has = (position: number): boolean => live.get(position) === name;
    const all = [...live.keys()].filter(has).sort((a, b) => a - b);
    const middle = Math.ceil(last / 2);
    for (const [low, high] of [
      [0, last],
      [middle, last],
      [0, middle],
    ] as const) {
      const wanted = all.filter((one) => one > low && one <= high);
      const rising = index.rising(name, { after: low, tail: high, limit: 10_000 });
      assert.deepEqual(rising, { values: rising.values, full: false });
      assert.deepEqual(rising.values.filter(has), wanted);
      const bounds = { from: low + 1, before: high + 1, limit: 10_000 };
      assert.deepEqual(index.falling(name, bounds).values.filter(has), wanted.toReversed());
    }
    for (const position of all) assert.ok(index.has(name, position));
    const two = index.falling(name, { from: 1, before: last + 1, limit: 2 });
    assert.equal(two.full, two.values.length === 2);
  }
}

test("PositionIndex finds what was added, in both directions, whatever was taken out in between", async () => {
  await withStore(async (store) => {
    const index = new PositionIndex(store.byType);
    let last = 0;
    const step = fc.record({
      adds: fc.array(fc.constantFrom(...NAMES), { maxLength: 12 }),
      removes: fc.array(fc.nat(40), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const live = new Map<number, number>();
        const remove = (batch: Batch, position: number): void => {
          const name = live.get(position)!;
          live.delete(position);
          index.remove(batch, name, position, (other) => live.has(other));
        };
        for (const { adds, removes } of steps) {
          await commit(store, (batch) => {
            for (const name of adds) {
              last += 1;
              index.add(batch, name, last);
              live.set(last, name);
            }
            index.prepare(batch);
          });
          assertHas(index, live, last);
          await commit(store, (batch) => {
            const positions = [...live.keys()];
            for (const at of new Set(removes.toSorted((a, b) => a - b))) {
              if (at < positions.length) remove(batch, positions[at]!);
            }
          });
          assertHas(index, live, last);
        }
        await commit(store, (batch) => {
          for (const position of live.keys()) remove(batch, position);
        });
        assert.equal(store.byType.getKeysCount({}), 0);
      }),
      { numRuns: 40 },
    );
  });
});

test("PositionIndex splits what one batch brings into entries that a page has room for", async () => {
  await withStore(async (store) => {
    const index = new PositionIndex(store.byType);
    await commit(store, (batch) => {
      for (let position = 1; position <= 1000; position += 1) index.add(batch, 7, position);
      index.prepare(batch);
    });
    assert.equal(store.byType.getKeysCount({}), 4);
    const { values, full } = index.rising(7, { after: 100, tail: 900, limit: 700 });
    assert.deepEqual([values[0], values.at(-1), full], [101, 800, true]);
    const older = index.falling(7, { from: 1, before: 301, limit: 1000 });
    assert.deepEqual([older.values[0], older.values.at(-1), older.full], [300, 1, false]);
  });
});

test("PositionIndex reads the entries of format 1, which had one for each position", async () => {
  await withStore(async (store) => {
    await commit(store, (batch) => {
      for (const position of [3, 5, 9]) {
        batch.put(store.byType, namedPositionKey(7, position), MARK);
      }
    });
    const index = new PositionIndex(store.byType);
    await commit(store, (batch) => {
      index.add(batch, 7, 10);
      index.add(batch, 7, 12);
      index.prepare(batch);
    });
    assert.deepEqual(index.rising(7, { after: 3, tail: 11, limit: 10 }).values, [5, 9, 10]);
    assert.deepEqual(index.falling(7, { from: 4, before: 12, limit: 10 }).values, [10, 9, 5]);
  });
});
