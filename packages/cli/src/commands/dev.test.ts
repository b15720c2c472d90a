import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { FIXTURES, nexus, startNexus } from "../testing/nexus.ts";
import { HELLO, project, writeProject } from "../testing/project.ts";
import { devServer } from "../testing/server.ts";

const TIMEOUT = { timeout: 60_000 };

test("nexus dev shows the functions, each event and each run", TIMEOUT, async () => {
  await using server = await devServer(HELLO);
  assert.match(server.dev.text, /\n  hello  event com\.example\.\*  [0-9a-f]{12}\n/);
  // The stream that shows events need not be there as soon as the server is.
  const shown = server.dev.shows(
    /→ com\.example\.a \S+  \/nexus\/cli\n[^]*✓ hello .* \{"greeting":"Hello"\}\n +│ attempt 1/,
  );
  const seen = new AbortController();
  void shown.then(() => seen.abort());
  while (!seen.signal.aborted) {
    await nexus(["publish", "com.example.a"], { env: { NEXUS_URL: server.url } });
  }
});

test(
  "nexus dev shows a run that failed once, and the whole log where a level is asked for",
  TIMEOUT,
  async () => {
    const failing = HELLO.replace("env: {", "retry: { attempts: 1 }\n    env: { FAIL_IF: please,");
    for (const [level, logged] of [
      ["", false],
      ["warn", true],
    ] as const) {
      await using server = await devServer(failing, { NEXUS_LOG_LEVEL: level });
      const shown = server.dev.shows(/✗ hello .*failed  dead letter\n/);
      const seen = new AbortController();
      void shown.then(() => seen.abort());
      while (!seen.signal.aborted) {
        const env = { NEXUS_URL: server.url };
        await nexus(["publish", "com.example.a", "--data", '"please"', "--wait", "20s"], { env });
      }
      // The log's lines stand before the run's: it is logged before its record is settled.
      assert.equal(/WARN +Invocation did not succeed/.test(server.dev.text), logged);
      assert.equal(/ERROR +Delivery is dead/.test(server.dev.text), logged);
    }
  },
);

test(
  "nexus dev puts a changed configuration into service, and refuses a broken one",
  TIMEOUT,
  async () => {
    await using server = await devServer(HELLO);
    await writeProject(server.dir, HELLO.replace("Hello", "Good day"));
    const [, version] = await server.dev.shows(/↻ Now serving hello ([0-9a-f]{12})\n/);
    await writeProject(server.dir, HELLO.replace("on:", "no:"));
    await server.dev.shows(
      /✗ Not reloaded, the last good versions stay in service:\n  .*\n.*\n +nexus\.yaml:\d+:5: functions\[0\]\.no: /,
    );
    const env = { NEXUS_URL: server.url };
    const { stdout } = await nexus(["publish", "com.example.a", "--wait", "20s"], { env });
    assert.match(stdout, /"greeting":"Good day"/);
    assert.match((await nexus(["functions"], { env })).stdout, new RegExp(` ${version}\n`));
    await writeProject(server.dir, HELLO.replaceAll("hello", "other"));
    await server.dev.shows(/↻ Now serving other [0-9a-f]{12}\n↻ No longer serving hello\n/);
  },
);

test(
  "nexus dev puts a rebuilt module into service, and keeps the last good one",
  TIMEOUT,
  async () => {
    await using server = await devServer(HELLO);
    const module = join(server.dir, "fn.wasm");
    await writeFile(module, await readFile(`${FIXTURES}probe.wasm`));
    await writeProject(
      server.dir,
      HELLO.replace('"{probe}"', "./fn.wasm").replace(/    env:.*\n/, ""),
    );
    await server.dev.shows(/↻ Now serving hello /);
    await writeFile(module, await readFile(`${FIXTURES}noop.wasm`));
    await server.dev.shows(/(?:↻ Now serving hello [^]*){2}/);
    await writeFile(module, new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    await server.dev.shows(/✗ Not reloaded[^]*no entry point/);
    const env = { NEXUS_URL: server.url };
    const { code } = await nexus(["publish", "com.example.a", "--wait", "20s"], { env });
    assert.equal(code, 0);
  },
);

test(
  "nexus dev lets what runs finish at Ctrl-C, and ends at once at the second",
  TIMEOUT,
  async () => {
    const slow = (ms: number) => HELLO.replace("env: {", `env: { SPIN_MS: "${ms}",`);
    {
      await using server = await devServer(slow(700));
      const publishing = nexus(["publish", "com.example.a", "--wait", "20s"], {
        env: { NEXUS_URL: server.url },
      });
      await server.dev.shows(/→ com\.example\.a/);
      server.dev.child.kill("SIGINT");
      const { code, stdout } = await server.dev.ended();
      assert.equal(code, 0);
      assert.match(stdout, /Stopping: finishing what runs\. Ctrl-C again ends at once\.\n/);
      await publishing;
    }
    await using server = await devServer(slow(25_000));
    void nexus(["publish", "com.example.a", "--wait", "1s"], { env: { NEXUS_URL: server.url } });
    await server.dev.shows(/→ com\.example\.a/);
    server.dev.child.kill("SIGINT");
    await server.dev.shows(/Stopping/);
    server.dev.child.kill("SIGINT");
    assert.equal((await server.dev.ended()).code, 130);
  },
);

test("nexus dev and start say why they cannot start", TIMEOUT, async () => {
  await using folder = await project(`${HELLO}    memory: lots\n`);
  const broken = await nexus(["dev", "--port", "0"], { cwd: folder.path });
  assert.equal(broken.code, 1);
  assert.match(
    broken.stderr,
    /^nexus: cannot load configuration: 1 problem\n +nexus\.yaml:7:5: functions\[0\]\.memory: "lots"/,
  );
  await using server = await devServer(HELLO);
  const port = new URL(server.url).port;
  const taken = await nexus(
    ["start", "--port", port, "--host", "127.0.0.1", "--data-dir", "other"],
    { cwd: server.dir },
  );
  assert.equal(taken.code, 1);
  assert.match(
    taken.stderr,
    /^nexus: cannot listen on .*\n  Stop what has the port, or take another with --port or NEXUS_PORT\.\n$/,
  );
});

test("nexus start logs JSON, serves, and drains on SIGTERM", TIMEOUT, async () => {
  await using folder = await project(HELLO);
  await using server = startNexus(["start", "--port", "0", "--host", "127.0.0.1"], {
    cwd: folder.path,
  });
  const [, url] = await server.shows(/"url":"(http:[^"]+)"/);
  const { code } = await nexus(["publish", "com.example.a", "--wait", "20s"], {
    env: { NEXUS_URL: url! },
  });
  assert.equal(code, 0);
  server.child.kill("SIGTERM");
  const ended = await server.ended();
  assert.deepEqual([ended.code, ended.stderr], [0, ""]);
  for (const line of ended.stdout.trimEnd().split("\n")) {
    assert.equal(typeof (JSON.parse(line) as { message: unknown }).message, "string");
  }
});
