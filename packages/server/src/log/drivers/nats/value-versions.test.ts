import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, headers } from "@nats-io/transport-node";
import fc from "fast-check";
import { startNats } from "../../../testing/nats.ts";
import { openNatsStore, purgeBefore } from "./store.ts";
import { KeyReader } from "./value-versions.ts";

// What nats-server lets through only where two writers come at once to several copies is published here at
// once and by itself: without the sequence that the server would compare.
const FREE = { kind: "free" } as const;
const op = fc.oneof(
  { weight: 2, arbitrary: fc.constant(FREE) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("follows" as const), back: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("purge" as const), back: fc.nat(2) }) },
);

test("KeyReader.read() and counts() take no message for one that follows an entry which was not the last", async () => {
  await using nats = await startNats();
  await using connection = await connect({ servers: nats.url });
  const store = await openNatsStore({ connection, prefix: "nexus", timeoutMs: 5_000 });
  const { manager, layout, channel } = store;
  await manager.streams.add({ name: layout.values, subjects: [layout.valuesOf("fn")] });
  const keys = new KeyReader(store, () => 3);
  let subjects = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 15 }), async (ops) => {
      const subject = layout.value("fn", `k${(subjects += 1)}`);
      const publish = async (after?: number): Promise<number> => {
        const head = headers();
        if (after !== undefined) head.set("Nexus-After", String(after));
        return (await channel.publish(subject, Buffer.from("x"), head)).sequence;
      };
      /** Those that count, oldest first; 0: nothing was there, which somebody may still believe. */
      let counting = [0];
      let last = 0;
      const asked: { readonly sequence: number; readonly after: number; readonly does: boolean }[] =
        [];
      for (const each of ops) {
        const seen = counting.at(
          -1 - Math.min(counting.length - 1, "back" in each ? each.back : 0),
        )!;
        if (each.kind === "purge") {
          if (seen === 0) continue;
          await purgeBefore(store, { stream: layout.values, before: seen, filter: subject });
          counting = counting.filter((sequence) => sequence >= seen);
        } else if (each.kind === "free") {
          last = await publish();
          counting.push(last);
        } else {
          const does = seen === counting.at(-1);
          last = await publish(seen);
          if (does) counting.push(last);
          assert.equal(await keys.counts(subject, last, seen), does);
          asked.push({ sequence: last, after: seen, does });
        }
        const state = await keys.read(subject);
        assert.deepEqual([state.current?.sequence ?? 0, state.last], [counting.at(-1), last]);
      }
      // Whoever asks late: others have written, and what they follow may be gone.
      for (const { sequence, after, does } of asked) {
        if (sequence < counting[0]!) continue;
        assert.equal(await keys.counts(subject, sequence, after), does);
      }
    }),
    // The stream's first message: nothing is before it.
    { numRuns: 150, examples: [[[FREE, FREE, { kind: "purge", back: 1 }]]] },
  );
  await channel.close();
});

test("KeyReader.counts() says so where too many others came for it to be told", async () => {
  await using nats = await startNats();
  await using connection = await connect({ servers: nats.url });
  const store = await openNatsStore({ connection, prefix: "nexus", timeoutMs: 5_000 });
  const { manager, layout, channel } = store;
  const subjects = [layout.valuesOf("fn")];
  await manager.streams.add({ name: layout.values, subjects, max_msgs_per_subject: 2 });
  const keys = new KeyReader(store, () => 3);
  const subject = layout.value("fn", "k");
  for (let i = 0; i < 5; i += 1) await channel.publish(subject, Buffer.from("x"));
  await assert.rejects(keys.counts(subject, 2, 1), { code: "LOG_UNAVAILABLE" });
  await channel.close();
});
