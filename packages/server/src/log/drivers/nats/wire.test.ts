import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/transport-node";
import fc from "fast-check";
import type { Invocation } from "../../../core/invocation.ts";
import { invocationOf, newEvent } from "../../testing/fixtures.ts";
import {
  decodeEvent,
  decodeJson,
  decodeRecord,
  encodeEvent,
  encodeJson,
  encodeRecord,
  encodeRun,
  recordingOf,
} from "./wire.ts";

const stored = { ...newEvent(), position: 1, acceptedAt: 0 };

test("encodeRecord() cuts what does not fit into a message, logs first, and says so", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 4000 }),
      fc.array(fc.string({ maxLength: 100 }), { maxLength: 20 }),
      fc.integer({ min: 1500, max: 6000 }),
      (output, lines, maxBytes) => {
        const logs = lines.map((text) => ({ time: "2026-11-24T00:00:00.000Z", text }));
        const record = invocationOf(stored, "fn", { output, logs });
        const data = encodeRecord(record, maxBytes);
        assert.ok(data.length <= maxBytes);
        const kept = decodeJson<Invocation>(data);
        if (encodeJson(record).length <= maxBytes) {
          assert.deepEqual(kept, JSON.parse(JSON.stringify(record)));
          return;
        }
        assert.ok(kept.logs_truncated && kept.logs.length === 0);
        assert.ok(output.startsWith(kept.output));
        assert.equal(kept.output === output, !kept.output_truncated);
      },
    ),
  );
});

test("encodeRun() puts a recording behind its record where both fit, and leaves plain records plain JSON", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 2000 }),
      fc.option(fc.uint8Array({ maxLength: 2000 }), { nil: undefined }),
      fc.integer({ min: 1500, max: 6000 }),
      (output, recording, maxBytes) => {
        const invocation = invocationOf(stored, "fn", { output });
        const message = encodeRun({ invocation, recording }, { head: headers(), maxBytes });
        const json = encodeRecord(invocation, maxBytes);
        assert.ok(message.data.length <= maxBytes);
        assert.deepEqual(decodeRecord(message), decodeJson(json));
        const fits = recording !== undefined && json.length + recording.length <= maxBytes;
        const found = recordingOf(message);
        if (fits) assert.ok(found !== undefined && Buffer.from(recording).equals(found));
        else {
          assert.equal(found, undefined);
          assert.deepEqual(Buffer.from(message.data), Buffer.from(json));
          assert.deepEqual(message.headers.keys(), []);
        }
      },
    ),
  );
});

test("encodeEvent() and decodeEvent() keep whatever attributes hold, in one line of ASCII", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(text, text, text, text, (id, source, type, value) => {
      const input = newEvent({ id, source, type, subject: value, extensions: { a: value } });
      const { headers, data } = encodeEvent(input);
      assert.match(headers.get("Nexus-Head"), /^[ -~]*$/);
      const back = decodeEvent({ headers, data }, { position: 7, acceptedAt: 9 });
      assert.deepEqual(
        { ...back, event: { ...back!.event } },
        { ...input, position: 7, acceptedAt: 9 },
      );
    }),
  );
});
