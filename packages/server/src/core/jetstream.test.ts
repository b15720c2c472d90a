import assert from "node:assert/strict";
import test from "node:test";
import { JetStreamApiError } from "@nats-io/jetstream";
import { NexusError } from "./errors.ts";
import { isNotFound, jetStreamCode, jetStreamCodes, onceKnown, withCopies } from "./jetstream.ts";

function refusal(name: keyof typeof jetStreamCodes): JetStreamApiError {
  return new JetStreamApiError({ code: 400, err_code: jetStreamCodes[name], description: name });
}

test("jetStreamCode() knows the client's errors of JetStream from all others", () => {
  assert.equal(jetStreamCode(refusal("noPeers")), 10_005);
  assert.ok(isNotFound(refusal("consumerNotFound")));
  assert.equal(jetStreamCode(Object.assign(new Error("no file"), { code: 10_014 })), 0);
  assert.equal(jetStreamCode(undefined), 0);
});

test("withCopies() takes what is asked for, then what is there, then what a cluster has room for", async () => {
  const copies = async (count: number): Promise<number> => count;
  assert.equal(await withCopies({ asked: 5, found: 1, clustered: true }, copies), 5);
  assert.equal(await withCopies({ asked: undefined, found: 2, clustered: true }, copies), 2);
  assert.equal(await withCopies({ asked: undefined, clustered: true }, copies), 3);
  assert.equal(await withCopies({ asked: undefined, clustered: false }, copies), 1);
});

test("withCopies() makes one copy where there are too few servers and nobody asked for more", async () => {
  const tried: number[] = [];
  const onlyOne =
    (error: Error) =>
    async (copies: number): Promise<number> => {
      tried.push(copies);
      if (copies > 1) throw error;
      return copies;
    };
  const few = refusal("noPeers");
  const wrapped = new NexusError("LOG_UNAVAILABLE", "Cannot set up a stream", {
    cause: refusal("notClustered"),
  });
  assert.equal(await withCopies({ asked: undefined, clustered: true }, onlyOne(few)), 1);
  assert.equal(await withCopies({ asked: undefined, clustered: true }, onlyOne(wrapped)), 1);
  await assert.rejects(withCopies({ asked: 3, clustered: true }, onlyOne(few)), few);
  const other = refusal("storageExceeded");
  await assert.rejects(withCopies({ asked: undefined, clustered: true }, onlyOne(other)), other);
  assert.deepEqual(tried, [3, 1, 3, 1, 3, 3]);
});

test("onceKnown() tries again while the stream is not known, and not after another error", async () => {
  const answers = [refusal("streamNotFound"), refusal("streamNotFound"), "made"];
  const next = async (): Promise<unknown> => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  assert.equal(await onceKnown(next), "made");
  const full = refusal("storeFailed");
  answers.push(full, "never asked for");
  await assert.rejects(onceKnown(next), full);
  assert.deepEqual(answers, ["never asked for"]);
});
