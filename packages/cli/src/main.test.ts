import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { BIN, freePort, nexus } from "./testing/nexus.ts";

const ESCAPE = "\u001b";
const TIMEOUT = { timeout: 60_000 };

test("nexus without a command prints its help on stderr and exits with 2", TIMEOUT, async () => {
  const { code, stdout, stderr } = await nexus([]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^Usage: nexus <command> \[options\]\n/);
});

test("nexus --help and --version print to stdout, without colour in a pipe", TIMEOUT, async () => {
  const help = await nexus(["--help"]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.match(help.stdout, /\n  publish \[type\] +send events\n/);
  assert.ok(!help.stdout.includes(ESCAPE));
  const version = await nexus(["--version"]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("nexus suggests the command that was meant, and exits with 2", TIMEOUT, async () => {
  assert.deepEqual(await nexus(["evnts"]), {
    code: 2,
    stdout: "",
    stderr:
      "nexus: unknown command 'evnts' (did you mean \"events\"?)\n" +
      "  usage: nexus <command> [options]\n" +
      "  see `nexus --help`\n",
  });
});

test(
  "nexus says which option a bad value was for, what rule it breaks, and what to try",
  TIMEOUT,
  async () => {
    const { code, stderr } = await nexus(["publish", "a", "--wait", "5 parsecs"]);
    assert.equal(code, 2);
    assert.equal(
      stderr,
      'nexus: option -w, --wait <duration>: "5 parsecs" is not a duration (try "5s" or "1m30s")\n' +
        "  usage: nexus publish [options] [type]\n" +
        "  see `nexus publish --help`\n",
    );
  },
);

test("nexus honours FORCE_COLOR and NO_COLOR", TIMEOUT, async () => {
  const forced = await nexus(["--help"], { env: { FORCE_COLOR: "1" } });
  assert.ok(forced.stdout.startsWith(`${ESCAPE}[1mUsage:${ESCAPE}[22m`));
  const none = await nexus(["evnts"], { env: { NO_COLOR: "1" } });
  assert.ok(!none.stderr.includes(ESCAPE));
});

test("nexus without a server says so, and what to do", TIMEOUT, async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  assert.deepEqual(await nexus(["events", "--url", url]), {
    code: 1,
    stdout: "",
    stderr:
      `nexus: cannot connect to ${url}: is the server running? ` +
      'Start one with "nexus dev", or name another with --url or NEXUS_URL\n',
  });
});

test("nexus stays quiet when its reader has had enough", TIMEOUT, () => {
  const script = '"$0" "$1" --help | head -c 1; echo "codes ${PIPESTATUS[@]}"';
  const { stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, BIN], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  assert.match(stdout, /^Ucodes 0 0\n$/);
});

const OLD_NODE = ["/usr/local/bin/node", "/usr/bin/node"].find((path) => {
  if (!existsSync(path)) return false;
  return (
    Number(/^v(\d+)/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout)?.[1]) < 24
  );
});

test(
  "nexus on a Node that is too old says which one it needs",
  { ...TIMEOUT, skip: OLD_NODE === undefined ? "no old Node on this machine" : false },
  () => {
    const { status, stdout, stderr } = spawnSync(OLD_NODE!, [BIN, "--help"], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^nexus: cannot run on Node \d+\.\d+\.\d+: it needs 24 or newer\n/);
  },
);
