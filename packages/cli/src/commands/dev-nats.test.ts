import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { startDevNats } from "@nexus-functions/server/nats/dev-server";
import { nexus } from "../testing/nexus.ts";
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
