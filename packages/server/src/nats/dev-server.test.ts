import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { natsServerPlace, processEnvironment } from "../config.ts";
import { startChild } from "../log/testing/child.ts";
import { listens } from "../testing/ports.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { startNats } from "../testing/nats.ts";
import { startDevNats } from "./dev-server.ts";
import { endLeftBehind } from "./left-behind.ts";
import { portsDir } from "./server-config.ts";
import { findNatsServer } from "./find-server.ts";

const TIMEOUT = { timeout: 60_000 };
const OWNER = new URL("../testing/dev-nats.ts", import.meta.url);
const where = natsServerPlace(processEnvironment());

async function publish({ url }: { readonly url: string }): Promise<number> {
  const connection = await connect({ servers: url });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "S", subjects: ["s"] });
    return (await jetstream(connection).publish("s", "a message")).seq;
  } finally {
    await connection.close();
  }
}

test(
  "startDevNats() keeps JetStream in the data directory, whatever its name",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const dataDir = join(folder.path, `da ta "ö" $HOME`);
    const first = await startDevNats({ dataDir, where });
    assert.match(first.url, /^nats:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(await publish(first), 1);
    await first.stop();
    await first.stop();
    assert.equal(await listens(first.url), false);
    const second = await startDevNats({ dataDir, where });
    assert.equal(await publish(second), 2);
    await second.stop();
  },
);

test(
  "startDevNats() refuses a data directory that has one, and takes it when that is gone",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const options = { dataDir: folder.path, where };
    const first = await startDevNats(options);
    await assert.rejects(startDevNats(options), {
      code: "DATA_DIR_LOCKED",
      message: `Cannot use data directory "${join(folder.path, "nats")}": the server with process id ${process.pid} uses it`,
    });
    assert.equal(await listens(first.url), true);
    await first.stop();
    const second = await startDevNats(options);
    await second.stop();
  },
);

test(
  "startDevNats() waits for the server of a parent that was killed, and goes on with its store",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const parent = startChild(OWNER, [folder.path]);
    const orphan = (await parent.message()) as { readonly url: string; readonly pid: number };
    assert.equal(await publish(orphan), 1);
    await parent.kill();
    const next = await startDevNats({ dataDir: folder.path, where });
    assert.equal(await listens(orphan.url), false);
    assert.equal(await publish(next), 2);
    await next.stop();
  },
);

test("startDevNats() leaves no server behind, however its process ends", TIMEOUT, async () => {
  for (const how of ["SIGKILL", "SIGTERM", "exit", "paused"] as const) {
    await using folder = await temporaryFolder();
    const parent = startChild(OWNER, [folder.path, how]);
    const { url, pid } = (await parent.message()) as { readonly url: string; readonly pid: number };
    if (how === "paused") process.kill(pid, "SIGSTOP");
    const ended = once(parent.child, "exit");
    if (how !== "exit") parent.child.kill(how === "paused" ? "SIGKILL" : how);
    await ended;
    while (await listens(url));
  }
});

test("endLeftBehind() ends what runs on the directory, and nothing else", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  await using nats = await startNats({ dir: folder.path });
  await using other = await startNats();
  // What a server that was killed leaves; its process id may be anyone's by now.
  await writeFile(join(portsDir(folder.path), `nats-server_${other.pid}.ports`), "{}");
  await writeFile(join(portsDir(folder.path), `nats-server_${process.pid}.ports`), "{}");
  await endLeftBehind(folder.path);
  assert.equal(await listens(nats.url), false);
  assert.equal(await listens(other.url), true);
});

test("startDevNats() tells when the server dies", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  const nats = await startDevNats({ dataDir: folder.path, where });
  process.kill(nats.pid, "SIGKILL");
  assert.deepEqual(await nats.ended, { why: "it was ended by SIGKILL" });
  await nats.stop();
});

test(
  "startNatsServer() gives the server's own words where it does not start",
  TIMEOUT,
  async () => {
    await assert.rejects(startNats({ extra: { no_such_setting: 1 } }), {
      code: "NATS_SERVER_UNUSABLE",
      message:
        /^Cannot start NATS: ".*nats-server" with ".*nats-server\.conf": it ended with code 1\n.*unknown field "no_such_setting"/,
    });
    await using other = await startNats();
    await assert.rejects(startNats({ port: other.port }), /address already in use/);
  },
);

test(
  "startNatsServer() ends a server that does not get ready in time, or is not wanted any more",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const program = await executable(join(folder.path, "nats-server"), "exec sleep 1000");
    const where = { path: program, version: "2.10.0" };
    await assert.rejects(startNats({ program: where, port: 1, startMs: 50 }), {
      code: "NATS_SERVER_UNUSABLE",
      message: /: it does not take connections after 50 ms$/,
    });
  },
);

test("findNatsServer() takes the program it is told, else the first on PATH", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  const [one, two] = [join(folder.path, "1"), join(folder.path, "2")];
  const echo = (version: string): string => `echo "nats-server: v${version}"`;
  const program = await executable(join(two, "nats-server"), echo("2.99.1"));
  const other = await executable(join(two, "other"), echo("2.98.0-beta.1"));
  await mkdir(join(one, "nats-server"), { recursive: true }); // a folder is no program
  const path = ["", one, "/nowhere", two].join(delimiter);
  assert.deepEqual(await findNatsServer({ path }), { path: program, version: "2.99.1" });
  assert.deepEqual(await findNatsServer({ path, program: other }), {
    path: other,
    version: "2.98.0-beta.1",
  });
});

test("findNatsServer() says what is wrong, and how to get one", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  const program = (name: string, script: string) => executable(join(folder.path, name), script);
  const howToGet =
    /; install it \(Debian, Ubuntu: apt-get install nats-server; .*\), or set NEXUS_NATS_SERVER to its path$/;
  for (const [place, how] of [
    [join(folder.path, "none"), '" is not there'],
    [await program("silent", "exit 0"), '" is not a nats-server'],
    [await program("failing", "exit 3"), '" cannot be run'],
  ] as const) {
    await assert.rejects(findNatsServer({ program: place }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "NATS_SERVER_UNUSABLE");
      assert.match(error.message, howToGet);
      assert.ok(error.message.includes(how), error.message);
      return true;
    });
  }
  const old = await program("old", 'echo "nats-server: v2.8.4"');
  await assert.rejects(findNatsServer({ program: old }), {
    code: "NATS_UNSUPPORTED",
    message: `Cannot start NATS: "${old}" is version 2.8.4, and 2.9.0 or newer is needed`,
  });
});

async function executable(path: string, script: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}
