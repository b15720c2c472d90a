import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parseStructured } from "./cloudevents.ts";
import { NexusError } from "./errors.ts";
import { sha256 } from "./ids.ts";
import type { Invocation } from "./invocation.ts";
import {
  decodeRecordingFile,
  encodeRecordingFile,
  FIRST_LINE,
  PART,
  type RecordingFile,
} from "./recording-file.ts";

const JSON_EVENT =
  '{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","data":"ü"}';
const VERSION = Buffer.from(
  `{"module":"${"0a".repeat(32)}","settings":{"limits":{"timeoutMs":1},"name":"f"}}`,
);

const FILE: RecordingFile = {
  invocation: { id: "i", function: "f", version: sha256(VERSION), output: "x" } as Invocation,
  recording: Uint8Array.of(1, 2, 3),
  event: {
    event: parseStructured(Buffer.from(JSON_EVENT), new Date(0)),
    meta: { traceparent: "00-", depth: 2, target: "f" },
    position: 7,
    acceptedAt: 1_700_000_000_000,
  },
  version: VERSION,
  redacted: ["data.a"],
  module: Uint8Array.of(0, 97, 115, 109),
  mounts: [Uint8Array.of(9), Uint8Array.of()],
};

/** The same in plain bytes. */
const plain = ({ event, recording, version, module, mounts = [], ...rest }: RecordingFile) => ({
  ...rest,
  event: { ...event, event: { ...event.event, json: [...event.event.json] } },
  bytes: [recording, version, ...(module === undefined ? [] : [module]), ...mounts].map((b) => [
    ...b,
  ]),
});

function refused(bytes: Uint8Array): string {
  try {
    decodeRecordingFile(bytes, "x.nxr");
  } catch (error) {
    assert.ok(error instanceof NexusError && error.code === "RECORDING_INVALID", String(error));
    assert.match(error.message, /^Cannot use the recording "x\.nxr": /);
    return error.message;
  }
  return assert.fail("it was taken");
}

test("decodeRecordingFile() gives back what encodeRecordingFile() was given", () => {
  assert.deepEqual(plain(decodeRecordingFile(encodeRecordingFile(FILE), "x.nxr")), plain(FILE));
  const { module: _, mounts: _mounts, ...bare } = { ...FILE, redacted: [] };
  const again = decodeRecordingFile(encodeRecordingFile(bare), "x.nxr");
  assert.equal(again.module, undefined);
  assert.deepEqual(plain(again), plain(bare));
});

test("decodeRecordingFile() refuses a file of which any one byte was changed, to anything", () => {
  const bytes = encodeRecordingFile(FILE);
  for (let at = 0; at < bytes.length; at += 1) {
    for (const bit of [0x01, 0x80]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= bit;
      refused(changed);
    }
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(bytes);
      changed[at]! ^= by;
      refused(changed);
    }),
  );
});

test("decodeRecordingFile() refuses a file that was cut anywhere, or has more at its end", () => {
  const bytes = encodeRecordingFile(FILE);
  for (let length = 0; length < bytes.length; length += 1) refused(bytes.subarray(0, length));
  refused(Buffer.concat([bytes, Uint8Array.of(0)]));
});

test("decodeRecordingFile() says what a file is that it does not know", () => {
  assert.match(refused(Buffer.from("PK zip")), /it does not begin with "NEXUS RECORDING 1"$/);
  const later = Buffer.from("NEXUS RECORDING 2\nsomething else");
  assert.match(refused(later), /its format is 2, and this release knows 1$/);
});

test("decodeRecordingFile() refuses what has a right sum and is not whole", () => {
  const other = { ...FILE, version: Buffer.from("{}") };
  assert.match(refused(encodeRecordingFile(other)), /its version is not the one that ran$/);
  const version = Buffer.from('{"module":"../x","settings":{}}');
  const invocation = { ...FILE.invocation, version: sha256(version) };
  const none = encodeRecordingFile({ ...FILE, version, invocation });
  assert.match(refused(none), /its version is none$/);
});

test("the parts that docs/recordings.md lists are those that a file has", () => {
  const page = readFileSync(new URL("../../../../docs/recordings.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([A-Z])` \| (\w+)/gm)].map(([, letter, name]) => [
    name,
    letter,
  ]);
  assert.deepEqual(Object.fromEntries(rows), PART);
  assert.ok(page.includes(JSON.stringify(FIRST_LINE).slice(1, -1)));
});
