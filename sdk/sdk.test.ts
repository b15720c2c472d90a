// The example of each guest library: the same function three times, with every host call.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { Grants } from "@nexus-functions/server/core/grants";
import type { Invocation } from "@nexus-functions/server/core/invocation";
import type { Rerun } from "@nexus-functions/server/dispatch/run-again";
import { Fetches } from "@nexus-functions/server/effects/fetch";
import { answerKv } from "@nexus-functions/server/effects/kv";
import { memoryState } from "@nexus-functions/server/log/drivers/memory-state";
import type { HostCalls } from "@nexus-functions/server/runtime/host-calls";
import type { Outcome } from "@nexus-functions/server/runtime/runtime";
import { callIn } from "@nexus-functions/server/runtime/taped-call";
import { tapeEntries } from "@nexus-functions/server/runtime/tape-entries";
import { TEST_LIMITS } from "@nexus-functions/server/testing/limits";
import { testRuntime, text, type TestRuntime } from "@nexus-functions/server/testing/runtime";
import { startNats, type TestNats } from "@nexus-functions/server/testing/nats";
import { testServer, type TestServer } from "@nexus-functions/server/testing/server";
import { SDK, SDK_EXAMPLES } from "../scripts/sdk.ts";

interface FarEnd extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly seen: IncomingMessage[];
}

/** Answers each request with its body. */
async function farEnd(): Promise<FarEnd> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    request.pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/counts`,
    host,
    seen,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const grantsOn = (host: string): Required<Grants> => ({
  kv: true,
  fetch: {
    allow: [host],
    allowPrivate: true,
    timeoutMs: 10_000,
    responseBytes: 10_000,
    requests: 1,
    redirects: 0,
  },
  secrets: ["API_KEY"],
});

/** A world that begins with nothing kept. */
function world({ fetch: grant }: Required<Grants>): () => HostCalls {
  const state = memoryState();
  return () => {
    const fetches = new Fetches({ grant, idempotencyKey: "key", traceparent: "trace" });
    return {
      answer: (call, signal) =>
        call.name === "fetch"
          ? fetches.answer(call, signal)
          : answerKv(call, { state, function: "tally", now: Date.now }),
    };
  };
}

const SECRETS = { API_KEY: "open sesame" };

function done({ status, exitCode, error, output, logs, emitted, limits }: Outcome): unknown {
  const lines = logs.map(({ text, level }) => ({ text, level }));
  return { status, exitCode, error, output, lines, emitted, limits };
}

/** Whether it lies in the answer of a host call. */
function isAnswered(tape: Uint8Array, place: number): boolean {
  for (const entry of tapeEntries(tape)) {
    const [call] = callIn(entry);
    if (place >= entry.end || call === undefined) continue;
    return place >= entry.end - call.payload.length;
  }
  return false;
}

for (const { language, module } of SDK_EXAMPLES) {
  const load = async (t: TestRuntime, host: string): Promise<void> => {
    const bytes = await readFile(join(SDK, module));
    const grants = grantsOn(host);
    await t.runtime.load({ version: "tally", bytes, limits: TEST_LIMITS, grants });
  };

  test(`${language}: tally uses every host call, and its recording alone does the same again`, async () => {
    await using far = await farEnd();
    await using t = testRuntime({ workers: 1, maxWorkers: 1 });
    await load(t, far.host);
    const calls = world(grantsOn(far.host));
    const env = { API_URL: far.url };
    for (let count = 1; count <= 5; count += 1) {
      const request = { env, secrets: SECRETS };
      const first = await t.run("tally", { ...request, hostCalls: calls(), tape: "record" });
      const seen = Array.from({ length: Math.min(count, 3) }, (_, back) => `seen/${count - back}`);
      assert.equal(first.error, null);
      assert.equal(
        text(first.output),
        `count ${count}\nseen ${seen.length}: ${seen.toReversed().join(" ")}\ntold: 200 {"count":${count}}\n`,
      );
      assert.deepEqual(first.emitted.map(text), [
        `{"type":"com.example.counted","data":{"count":${count}}}`,
      ]);
      assert.deepEqual(
        first.logs.map(({ text, level }) => `${level} ${text}`),
        ["info counted"],
      );
      const again = await t.run("tally", { ...request, tape: first.tape });
      assert.deepEqual(done(again), done(first));
      assert.equal(far.seen.length, count, "the replay asked nobody");
      assert.equal(far.seen.at(-1)!.headers.authorization, "Bearer open sesame");
    }
  });

  test(`${language}: a tally whose recording has one other byte is found out, but for answers it makes nothing of`, async () => {
    await using far = await farEnd();
    await using t = testRuntime({ workers: 2, maxWorkers: 2 });
    await load(t, far.host);
    const request = { env: { API_URL: far.url }, secrets: SECRETS };
    const hostCalls = world(grantsOn(far.host))();
    const first = await t.run("tally", { ...request, hostCalls, tape: "record" });
    assert.equal(first.error, null);
    const expected = JSON.stringify(done(first));
    let found = 0;
    for (let at = 0; at < first.tape.length; at += 1) {
      const tape = first.tape.slice();
      tape[at]! ^= 0x10;
      const again = await t.run("tally", { ...request, tape });
      if (JSON.stringify(done(again)) !== expected) found += 1;
      else assert.ok(isAnswered(first.tape, at), `byte ${at}`);
    }
    assert.ok(found > 200, `${found} of ${first.tape.length}`);
  });

  test(`${language}: a tally that cannot be told ends as failed, and says why`, async () => {
    await using t = testRuntime();
    await load(t, "api.example.com");
    const env = { API_URL: "http://other.example.com/" };
    const hostCalls = world(grantsOn("api.example.com"))();
    const outcome = await t.run("tally", { env, secrets: SECRETS, hostCalls });
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.error!.message, /"other\.example\.com", which is not in `fetch\.allow`/);
    const without = await t.run("tally", { env, hostCalls });
    assert.match(without.error!.message, /secret|API_KEY/);
  });
}

/** Twelve events on one server, or each on another of the nodes. */
async function manyTallies(options: {
  readonly nats?: TestNats;
  readonly nodes: number;
}): Promise<void> {
  await using far = await farEnd();
  const functions = SDK_EXAMPLES.map(
    ({ language, module }) => `
  - name: ${language}
    on: { event: com.example.tick }
    code: ${join(SDK, module)}
    env: { API_URL: "${far.url}" }
    kv: true
    fetch: { allow: ["${far.host}"], allow_private: true }
    secrets: [API_KEY]
    retry: { attempts: 1 }`,
  );
  const secrets = { values: SECRETS };
  const config = `version: v1\nfunctions:${functions.join("")}\n`;
  const nats = options.nats === undefined ? {} : { natsUrl: options.nats.url };
  await using opened = new AsyncDisposableStack();
  const servers: TestServer[] = [];
  for (let node = 0; node < options.nodes; node += 1) {
    servers.push(opened.use(await testServer(config, { secrets, ...nats })));
  }
  const [server] = servers as [TestServer];
  const ticks = Array.from({ length: 12 }, (_, index) =>
    servers[index % servers.length]!.post<{ readonly invocations: readonly Invocation[] }>(
      "/events/com.example.tick?wait=30s",
    ),
  );
  const runs = (await Promise.all(ticks)).flatMap(({ body }) => body.invocations);
  assert.equal(runs.length, 36);
  const counts = new Map<string, number[]>();
  for (const { id } of runs) {
    const { function: name, output, error } = await server.get<Invocation>(`/invocations/${id}`);
    assert.equal(error, null);
    const count = Number(/^count (\d+)\n/.exec(output)![1]);
    counts.set(name, [...(counts.get(name) ?? []), count]);
    const { body } = await server.post<Rerun>(`/invocations/${id}/replay`);
    assert.equal(body.identical, true, JSON.stringify(body.differs));
  }
  const all = Array.from({ length: 12 }, (_, index) => index + 1);
  for (const [name, seen] of counts) {
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      all,
      name,
    );
  }
  assert.equal(counts.size, 3);
  assert.equal(far.seen.length, 36);
}

test("Many tallies at once on a server lose no step, and each is replayed bit for bit", async () => {
  await manyTallies({ nodes: 1 });
});

test("Many tallies at once on two nodes of NATS lose no step, and each is replayed bit for bit", async () => {
  await using nats = await startNats();
  await manyTallies({ nats, nodes: 2 });
});
