// What a whole server does when the machine or its clients let it down: the rooms' own promises are tested
// in the rooms; here it is what a client and an operator get to see, and that nothing acknowledged is lost.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig, type ConfigOverrides } from "./config.ts";
import { NexusError } from "./core/errors.ts";
import { startServer } from "./server.ts";
import { needsRoot, smallDisk } from "./testing/disk.ts";
import { wat } from "./testing/modules.ts";
import { probes, testServer, type Records } from "./testing/server.ts";

const TIMEOUT = { timeout: 60_000 };
const WORKER = probes({ name: "worker", on: "{ event: a }" });

interface Problem {
  readonly event_id: string;
  readonly code?: string;
  readonly detail?: string;
}

interface Events {
  readonly events: readonly { readonly id: string }[];
}

/** The error with which a server does not start. */
async function startError(overrides: ConfigOverrides): Promise<NexusError> {
  const config = readConfig({}, { port: 0, workers: 1, ...overrides }, () => false);
  try {
    const server = await startServer(config, { write: () => undefined, colour: false });
    await server.close();
  } catch (error) {
    assert.ok(error instanceof NexusError, String(error));
    return error;
  }
  throw new Error("The server started");
}

test(
  "a full disk answers 503 LOG_FULL, loses nothing acknowledged, and takes events again when there is room",
  { ...TIMEOUT, ...needsRoot },
  async () => {
    await using disk = await smallDisk("6m");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(2 * 1024 * 1024));
    await using server = await testServer(WORKER, { dataDir: join(disk.path, "data") });
    const acknowledged: string[] = [];
    const refusals: Problem[] = [];
    const writer = async (): Promise<void> => {
      for (;;) {
        const { status, body } = await server.post<Problem>("/events/a", "x".repeat(3000));
        if (status !== 202) {
          assert.equal(status, 503);
          refusals.push(body);
          return;
        }
        acknowledged.push(body.event_id);
      }
    };
    await Promise.all(Array.from({ length: 8 }, writer));
    assert.ok(acknowledged.length > 20, `${acknowledged.length}`);
    for (const { code, detail } of refusals) {
      assert.equal(code, "LOG_FULL");
      assert.match(detail!, /no room left on the disk$/);
    }
    await rm(ballast);
    const after = await server.post<Problem>("/events/a", {});
    assert.equal(after.status, 202);
    acknowledged.push(after.body.event_id);

    await using again = await server.restart();
    const { events } = await again.get<Events>("/events?limit=1000");
    assert.deepEqual(
      events.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1)),
      acknowledged.toSorted((a, b) => (a < b ? -1 : 1)),
    );
    const oldest = `/events/${acknowledged[0]}/invocations`;
    const done = ({ invocations }: Records) =>
      invocations.some(({ status }) => status === "succeeded");
    await again.until<Records>(oldest, done);
    await again.until<Records>(`/events/${after.body.event_id}/invocations`, done);
  },
);

test(
  "a read-only data directory is refused with its name, before anything is served",
  { ...TIMEOUT, ...needsRoot },
  async () => {
    await using disk = await smallDisk("1m");
    const configFile = join(disk.path, "nexus.yaml");
    await writeFile(configFile, WORKER);
    await mkdir(join(disk.path, "data"));
    disk.makeReadOnly();
    for (const name of ["data", "new"]) {
      const dataDir = join(disk.path, name);
      const error = await startError({ configFile, dataDir });
      assert.equal(error.code, "DATA_DIR_UNUSABLE");
      assert.ok(error.message.includes(dataDir), error.message);
    }
  },
);

test(
  "a second server on one data directory is refused, and the first goes on",
  TIMEOUT,
  async () => {
    await using first = await testServer(WORKER);
    const { configFile } = first;
    const error = await startError({ configFile, dataDir: join(first.dir, "data") });
    assert.equal(error.code, "DATA_DIR_LOCKED");
    assert.ok(error.message.includes(String(process.pid)), error.message);
    const { status } = await first.post("/events/a?wait=20s");
    assert.equal(status, 200);
  },
);

test("a taken port is refused, and the data directory is free again", TIMEOUT, async () => {
  await using first = await testServer(WORKER);
  const { configFile } = first;
  const dataDir = join(first.dir, "other");
  const error = await startError({ configFile, dataDir, port: first.running.port });
  assert.equal(error.code, "PORT_UNAVAILABLE");
  assert.match(error.message, /another program has the port$/);
  await using second = await testServer(WORKER, { dataDir });
  assert.equal((await second.post("/events/a")).status, 202);
});

test(
  "a connection that breaks in the middle of a request leaves no event and no trouble",
  TIMEOUT,
  async () => {
    await using server = await testServer(WORKER);
    const head = "POST /events/a HTTP/1.1\r\nhost: x\r\n";
    for (const text of [
      "POST /eve",
      head,
      `${head}content-length: 100\r\n\r\n{"half":`,
      `${head}transfer-encoding: chunked\r\n\r\n8\r\n{"half":\r\n`,
      `${head}transfer-encoding: chunked\r\n\r\n8\r\n{"ha`,
    ]) {
      for (const leave of ["end", "resetAndDestroy"] as const) {
        const socket = connect(server.running.port, "127.0.0.1");
        let answer = "";
        socket.on("data", (chunk) => (answer += chunk.toString()));
        socket.on("error", () => undefined);
        await once(socket, "connect");
        const closed = once(socket, "close");
        await new Promise((resolve) => socket.write(text, resolve));
        socket[leave]();
        await closed;
        assert.doesNotMatch(answer, / 202 /);
        assert.doesNotMatch(answer, /\.ts:\d+/, "no stack");
      }
    }
    const { status, body } = await server.post<Problem>("/events/a?wait=20s");
    assert.equal(status, 200);
    const { events } = await server.get<Events>("/events");
    assert.deepEqual(
      events.map(({ id }) => id),
      [body.event_id],
    );
    const loud = server.lines.filter((line) => /"level":"(?:error|warn)"/.test(line));
    assert.deepEqual(loud, []);
  },
);

test(
  "a project that cannot be served is refused with a code, and the data directory stays free",
  TIMEOUT,
  async () => {
    await using server = await testServer(WORKER);
    const dataDir = join(server.dir, "other");
    const file = (name: string) => join(server.dir, name);
    const imports = await wat('(module (import "env" "launch" (func)) (func (export "_start")))');
    await writeFile(file("imports.wasm"), imports);
    await writeFile(file("cut.wasm"), imports.subarray(0, imports.length - 4));
    await writeFile(file("text.wasm"), "not a module");
    const entry = (code: string, more = "") =>
      `version: v1\nfunctions:\n  - { name: a, on: { event: a }, code: ${code}${more} }\n`;
    for (const [yaml, code, message] of [
      [entry("none.wasm"), "CONFIG_INVALID", /functions\[0\]\.code: "none\.wasm" does not exist/],
      [entry("text.wasm"), "CONFIG_INVALID", /is not a WebAssembly module/],
      [entry("cut.wasm"), "CONFIG_INVALID", /is cut off after \d+ bytes/],
      [entry("imports.wasm"), "MODULE_INVALID", /function "a".*env.*launch/],
      [entry("text.wasm", ", tiemout: 5s"), "CONFIG_INVALID", /did you mean "timeout"/],
      [entry("text.wasm", ", timeout: [5]"), "CONFIG_INVALID", /a list is not a duration/],
      ["version: [", "CONFIG_INVALID", /this is not YAML/],
    ] as const) {
      await writeFile(file("bad.yaml"), yaml);
      const error = await startError({ configFile: file("bad.yaml"), dataDir });
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
    }
    const missing = await startError({ configFile: file("no.yaml"), dataDir });
    assert.equal(missing.code, "CONFIG_NOT_FOUND");
    await using second = await testServer(WORKER, { dataDir });
    assert.equal((await second.post("/events/a")).status, 202);
  },
);
