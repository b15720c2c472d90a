import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { listens } from "@nexus-functions/server/testing/ports";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { startDevNats } from "@nexus-functions/server/nats/dev-server";
import { nexus, startNexus, type RunningNexus } from "../testing/nexus.ts";
import { HELLO, project } from "../testing/project.ts";

const TIMEOUT = { timeout: 60_000 };
const DEV = ["dev", "--nats", "--port", "0"];

test("nexus dev --nats says how to get a nats-server where there is none", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  const env = { NEXUS_NATS_SERVER: "/nowhere/nats-server" };
  const { code, stderr } = await nexus(DEV, { cwd: folder.path, env });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^nexus: cannot start NATS: "\/nowhere\/nats-server" is not there; install it \(Debian, Ubuntu: apt-get install nats-server; .*\), or set NEXUS_NATS_SERVER to its path\n$/,
  );
});

test("nexus dev --nats refuses a data directory where another one runs", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  const where = natsServerPlace(processEnvironment());
  const other = await startDevNats({ dataDir: join(folder.path, ".nexus"), where });
  try {
    const { code, stderr } = await nexus(DEV, { cwd: folder.path });
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(
        `^nexus: cannot use data directory ".*nats": the server with process id ${process.pid} uses it\n`,
      ),
    );
  } finally {
    await other.stop();
  }
});

test("nexus dev --nats serves on a NATS of its own, and stops it at Ctrl-C", TIMEOUT, async () => {
  await using folder = await project(`${HELLO}nats: { servers: ["nats://nowhere:1"], tls: {} }\n`);
  for (const run of [1, 2]) {
    await using dev = startNexus(DEV, { cwd: folder.path });
    const { url, nats } = await serving(dev);
    const env = { NEXUS_URL: url };
    const args = ["publish", "com.example.a", "--wait", "20s"];
    assert.match((await nexus(args, { env })).stdout, /"greeting":"Hello"/);
    const { events } = (await (await fetch(`${url}/events`)).json()) as { events: unknown[] };
    assert.equal(events.length, run); // kept over the restart
    dev.child.kill("SIGINT");
    assert.equal((await dev.ended()).code, 0);
    assert.equal(await listens(nats), false);
  }
});

test("nexus dev --nats ends, and says why, when its NATS dies", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  await using dev = startNexus(DEV, { cwd: folder.path });
  await serving(dev);
  const [, pid] = await dev.shows(/NATS \S+ at \S+ \(process (\d+)\)/);
  process.kill(Number(pid), "SIGKILL");
  const { code, stderr } = await dev.ended();
  assert.equal(code, 1);
  assert.match(stderr, /nexus: NATS is gone: it was ended by SIGKILL\n/);
});

test(
  "nexus dev --nats leaves no NATS behind at a second Ctrl-C, a closed terminal or a kill",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO.replace("env: {", 'env: { SPIN_MS: "25000",'));
    for (const [signals, code] of [
      [["SIGINT", "SIGINT"], 130],
      [["SIGHUP"], null],
      [["SIGKILL"], null],
    ] as const) {
      await using dev = startNexus(DEV, { cwd: folder.path });
      const { url, nats } = await serving(dev);
      void nexus(["publish", "com.example.a"], { env: { NEXUS_URL: url } });
      await dev.shows(/→ com\.example\.a/);
      for (const [index, signal] of signals.entries()) {
        if (index > 0) await dev.shows(/Stopping/);
        dev.child.kill(signal);
      }
      assert.equal((await dev.ended()).code, code);
      while (await listens(nats));
    }
  },
);

async function serving(
  dev: RunningNexus,
): Promise<{ readonly url: string; readonly nats: string }> {
  const [, url, nats] = await dev.shows(
    /(http:\/\/127\.0\.0\.1:\d+)[^]*NATS \S+ at (nats:\/\/127\.0\.0\.1:\d+)[^]*Ctrl-C stops/,
  );
  return { url: url!, nats: nats! };
}
