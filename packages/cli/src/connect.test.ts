import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nexus, startNexus } from "./testing/nexus.ts";
import { HELLO, project } from "./testing/project.ts";

const TIMEOUT = { timeout: 120_000 };
const TOKEN = "0123456789abcdef";

test(
  "nexus start beyond loopback notes a token on stderr, and the commands send it",
  TIMEOUT,
  async () => {
    await using folder = await project(HELLO);
    await using server = startNexus(["start", "--host", "0.0.0.0", "--port", "0"], {
      cwd: folder.path,
    });
    const [, token] = await server.shows(/API token: (\S+)\n/);
    const [, port] = await server.shows(/"url":"http:\/\/0\.0\.0\.0:(\d+)"/);
    const NEXUS_URL = `http://127.0.0.1:${port}`;
    const ask = (env: Readonly<Record<string, string>>, ...more: readonly string[]) =>
      nexus(["functions", ...more], { cwd: folder.path, env: { NEXUS_URL, ...env } });

    const without = await ask({});
    assert.equal(without.code, 1);
    assert.match(without.stderr, /\n  Set NEXUS_API_TOKEN, or name a file .* --token-file\.\n$/);
    assert.equal((await ask({ NEXUS_API_TOKEN: token! })).code, 0);
    assert.equal((await ask({ NEXUS_API_TOKEN: `admin:${token!} read:${TOKEN}` })).code, 0);
    await writeFile(join(folder.path, "token"), `${token!}\n`);
    assert.equal((await ask({ NEXUS_API_TOKEN_FILE: "token" })).code, 0);
    assert.equal((await ask({ NEXUS_API_TOKEN: TOKEN }, "--token-file", "token")).code, 0);
    const wrong = await ask({ NEXUS_API_TOKEN: TOKEN });
    assert.equal(wrong.code, 1);
    assert.ok(!wrong.stderr.includes(TOKEN), wrong.stderr);
    const missing = await ask({}, "--token-file", "nowhere");
    assert.deepEqual([missing.code, missing.stdout], [1, ""]);
    assert.match(missing.stderr, /cannot read token file "nowhere": it does not exist/);

    server.child.kill("SIGTERM");
    const { code, stdout } = await server.ended();
    assert.equal(code, 0);
    assert.ok(!stdout.includes(token!), "the token in the log");
  },
);

test("nexus dev shows events where a token is set", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  const env = { NEXUS_API_TOKEN: `publish:${TOKEN}` };
  await using dev = startNexus(["dev", "--port", "0", "--ephemeral"], { cwd: folder.path, env });
  const [, url] = await dev.shows(/(http:\/\/127\.0\.0\.1:\d+)[^]*Ctrl-C stops/);
  const shown = dev.shows(/✓ hello/);
  // The stream that shows events need not be there as soon as the server is.
  const seen = new AbortController();
  void shown.then(() => seen.abort());
  while (!seen.signal.aborted) {
    const { code } = await nexus(["publish", "com.example.a"], {
      env: { ...env, NEXUS_URL: url! },
    });
    assert.equal(code, 0);
  }
  await shown;
});
