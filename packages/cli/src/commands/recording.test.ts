// Recordings between machines: exported by a real server, run again by processes that never saw it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Accepted, Rerun } from "@nexus-functions/client/api.gen";
import { decodeRecording, encodeRecording } from "@nexus-functions/server/core/recording";
import { tapeEntries } from "@nexus-functions/server/runtime/tape-entries";
import {
  encodeRecordingFile,
  decodeRecordingFile,
} from "@nexus-functions/server/core/recording-file";
import {
  BIN,
  FIXTURES,
  nexus,
  startNexus,
  temporaryFolder,
  type Folder,
} from "../testing/nexus.ts";
import type { Fixture } from "../fixture/fixture.ts";
import { writeProject } from "../testing/project.ts";

const TIMEOUT = { timeout: 60_000 };

const SCRIPT = existsSync("/usr/bin/script") ? false : "needs script(1)";

const CHANCE = `  - name: chance
    on: { event: dice.* }
    code: ./chance.wasm
    scratch: 1Mi
    retry: { attempts: 1 }
    mounts: [{ host: ./data, guest: /data }]
    redact: [data.secret]
`;

interface Machine extends AsyncDisposable {
  readonly dir: string;
  readonly url: string;
  stop(): Promise<void>;
}

/** `nexus start` in this folder, with its data in it. */
async function serve(dir: string, env = {}): Promise<Machine> {
  const running = startNexus(["start", "--host", "127.0.0.1", "--port", "0"], {
    cwd: dir,
    env: { NEXUS_DATA_DIR: "state", ...env },
  });
  const [, url] = await running.shows(/"url":"([^"]+)"/);
  return {
    dir,
    url: url!,
    async stop() {
      running.child.kill("SIGTERM");
      await running.ended();
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Runs `chance` on what it is to do; the run's id. */
async function thrown(url: string, what: string, more = {}): Promise<string> {
  const answer = await fetch(`${url}/events/dice.thrown?wait=20s`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...more, do: `!${what}` }),
  });
  return ((await answer.json()) as Accepted).invocations![0]!.id;
}

let home: Folder;
let machine: Machine;
/** Exported with all it needs, and without. */
let whole: string;
let bare: string;
let invocation: string;

before(async () => {
  home = await temporaryFolder();
  await writeProject(home.path, CHANCE);
  await writeFile(join(home.path, "chance.wasm"), await readFile(`${FIXTURES}chance.wasm`));
  await mkdir(join(home.path, "data"));
  await writeFile(join(home.path, "data/a.txt"), "a");
  machine = await serve(home.path);
  invocation = await thrown(machine.url, "rmptxysfell");
  whole = join(home.path, "whole.nxr");
  bare = join(home.path, "bare.nxr");
  for (const [file, ...more] of [[bare], [whole, "--with-module"]] as const) {
    const args = ["recording", "export", invocation, "-o", file, ...more, "--url", machine.url];
    const { code, stdout, stderr } = await nexus(args);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^✓ .*\.nxr  [\d.]+ KiB\n$/);
  }
}, TIMEOUT);

after(async () => {
  await machine[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** Of a process in a folder where nothing is. */
async function elsewhere(args: readonly string[], cwd?: string, env = {}) {
  await using folder = await temporaryFolder();
  return await nexus(args, { cwd: cwd ?? folder.path, env });
}

const IDENTICAL = /\n  ✓ identical: output, logs and effects are the same, bit for bit\n/;

test("nexus recording export writes the same bytes to a pipe", TIMEOUT, async () => {
  const args = ["recording", "export", invocation, "--with-module"];
  // Latin-1 would show bytes that a text does not.
  await using folder = await temporaryFolder();
  const file = join(folder.path, "again.nxr");
  const piped = await nexus(args, { env: { NEXUS_URL: machine.url } });
  assert.equal(piped.code, 0, piped.stderr);
  await nexus([...args, "-o", file], { env: { NEXUS_URL: machine.url } });
  const bytes = await readFile(file);
  assert.equal(piped.stdout, bytes.toString());
  assert.deepEqual(bytes, await readFile(whole));
});

test("nexus recording export writes no bytes to a terminal", { ...TIMEOUT, skip: SCRIPT }, () => {
  const command = `${process.execPath} ${BIN} recording export ${invocation} --url ${machine.url}`;
  const env = { ...process.env, NO_COLOR: "1" };
  const { status, stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
    env,
  });
  assert.equal(status, 2);
  assert.match(stdout, /^nexus: cannot write a recording to a terminal: it is bytes\r\n.*-o/s);
  assert.ok(!stdout.includes("NEXUS RECORDING"));
});

test("nexus recording export says what it cannot export", TIMEOUT, async () => {
  const none = await nexus(["recording", "export", "none", "-o", "x.nxr", "--url", machine.url]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^nexus: cannot find invocation "none": there is none\n/);
});

test("nexus recording show tells the run and each thing it was given", TIMEOUT, async () => {
  const { code, stdout } = await nexus(["recording", "show", whole]);
  assert.equal(code, 0);
  assert.match(stdout, /^✓ chance succeeded in /);
  assert.match(stdout, /\n {2}hermetic +yes\n/);
  assert.match(stdout, /\n {2}module +[0-9a-f]{64}, [\d.]+ KiB\n {2}mounted +\/data\n/);
  assert.match(stdout, /\n +1 {2}\S.*\n/);
  assert.match(stdout, /real time +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z\n/);
  assert.match(stdout, /monotonic clock +\d+\.\d{9} s\n/);
  assert.match(stdout, /16 random bytes +[0-9a-f]{32}\n/);
  assert.match(stdout, /256 random bytes +from the key [0-9a-f]{64}\n/);
  assert.match(stdout, /"type": "dice\.thrown"/);
  assert.match(
    (await nexus(["recording", "show", bare])).stdout,
    /module +[0-9a-f]{64}, not in it\n/,
  );
  const { stdout: text } = await nexus(["recording", "show", "-", "--json"], {
    input: "NEXUS",
  });
  assert.equal(text, "");
  const json = JSON.parse((await nexus(["recording", "show", bare, "--json"])).stdout);
  assert.equal(json.invocation.id, invocation);
  assert.deepEqual([json.hermetic, json.with_module, json.redacted], [true, false, []]);
  assert.ok(json.tape.some(({ kind }: { kind: string }) => kind === "seed"));
});

test(
  "nexus replay x.nxr runs it where nothing else is, and proves that it is the same",
  TIMEOUT,
  async () => {
    const { code, stdout, stderr } = await elsewhere(["replay", whole]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, IDENTICAL);
    const { stdout: json } = await elsewhere(["replay", whole, "--json"]);
    const rerun = JSON.parse(json) as Rerun;
    assert.deepEqual([rerun.identical, rerun.differs], [true, []]);
    assert.deepEqual(rerun.hashes.replayed, rerun.hashes.recorded);
  },
);

test(
  "nexus replay x.nxr finds module and mounts by their hash in a project, or in a data directory",
  TIMEOUT,
  async () => {
    const nowhere = await elsewhere(["replay", bare]);
    assert.equal(nowhere.code, 2);
    assert.match(
      nowhere.stderr,
      /^nexus: cannot run a version of "chance" again: its module [0-9a-f]{64} is not here\n.*--module/s,
    );
    const inProject = await nexus(["replay", bare, "--data-dir", "none"], { cwd: home.path });
    assert.deepEqual([inProject.code, inProject.stderr], [0, ""]);
    assert.match(inProject.stdout, IDENTICAL);
    const state = join(home.path, "state");
    const inStore = await elsewhere(["replay", bare, "--data-dir", state]);
    assert.deepEqual([inStore.code, inStore.stderr], [0, ""]);
  },
);

test(
  "nexus replay x.nxr --module takes the module that it ran on, and no other",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "nexus.yaml"), "version: v1\nfunctions: {}\n");
    // Its mounts are in the data directory alone, and the project here has a fault.
    const options = ["--data-dir", join(home.path, "state")];
    const right = await elsewhere(
      ["replay", bare, "--module", `${FIXTURES}chance.wasm`, ...options],
      folder.path,
    );
    assert.deepEqual([right.code, right.stderr], [0, ""]);
    const wrong = await elsewhere(["replay", bare, "--module", `${FIXTURES}noop.wasm`, ...options]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /that has the sha256 [0-9a-f]{64}, and it ran on [0-9a-f]{64}\n/);
  },
);

test(
  "nexus replay x.nxr ends with 2 where the file is damaged, and with 1 where the run differs",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "x.nxr");
    const bytes = await readFile(whole);
    const damaged = Buffer.from(bytes);
    damaged[bytes.length >> 1]! ^= 1;
    for (const [made, how] of [
      [damaged, /a part of it was changed or is missing\n/],
      [bytes.subarray(0, -1), /a part of it was changed or is missing\n/],
      [Buffer.from("hello"), /it does not begin with "NEXUS RECORDING 1"\n/],
    ] as const) {
      await writeFile(path, made);
      const { code, stderr } = await elsewhere(["replay", path]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, how);
    }
    // Whoever changes a tape and makes the sum anew is found out by the run.
    const file = decodeRecordingFile(bytes, path);
    const recording = decodeRecording(file.recording);
    const tape = Buffer.from(recording.tape);
    const random = [...tapeEntries(tape)].find(({ kind }) => kind === "random");
    tape[random!.end - 1]! ^= 1;
    await writeFile(
      path,
      encodeRecordingFile({ ...file, recording: encodeRecording({ ...recording, tape }) }),
    );
    const { code, stdout } = await elsewhere(["replay", path]);
    assert.equal(code, 1);
    assert.match(stdout, /✗ not identical: /);
    const other = await elsewhere(["replay", path, "--against", "x.wasm"]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /: --against is for what a server has\n/);
    const missing = await elsewhere(["replay", "missing.nxr"]);
    assert.match(missing.stderr, /^nexus: cannot read "missing\.nxr": it does not exist\n/);
  },
);

test(
  "nexus recording export replaces what redact: names, and a replay says that it was",
  TIMEOUT,
  async () => {
    const id = await thrown(machine.url, "xl", { secret: "4111-1111" });
    const path = join(home.path, "redacted.nxr");
    const args = ["recording", "export", id, "--with-module", "-o", path, "--url", machine.url];
    assert.equal((await nexus(args)).stderr, "Replaced in it: data.secret.\n");
    assert.ok(!(await readFile(path)).includes("4111-1111"));
    const shown = await nexus(["recording", "show", path]);
    assert.match(shown.stdout, /hermetic +no: redacted\n {2}redacted +data\.secret\n/);
    // What it does does not hang on the secret, so it comes to the same all the same.
    const { code, stdout, stderr } = await elsewhere(["replay", path]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, IDENTICAL);
    assert.match(stderr, /need not go the same way again: redacted\.\n/);
  },
);

test(
  "nexus replay runs an invocation again after its data directory has moved, on a server and in a file",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const first = join(folder.path, "first");
    const second = join(folder.path, "second");
    await mkdir(join(first, "data"), { recursive: true });
    await writeProject(first, CHANCE);
    await writeFile(join(first, "chance.wasm"), await readFile(`${FIXTURES}chance.wasm`));
    let id: string;
    {
      await using before = await serve(first);
      id = await thrown(before.url, "xyrfel");
      await before.stop();
    }
    await rename(first, second);
    // Another version is in service there: the recorded one is in the data directory alone.
    await writeProject(second, CHANCE.replace("scratch: 1Mi", "scratch: 2Mi"));
    await using again = await serve(second);
    const onServer = await nexus(["replay", id, "--url", again.url]);
    assert.deepEqual([onServer.code, onServer.stderr], [0, ""]);
    assert.match(onServer.stdout, IDENTICAL);
    const path = join(folder.path, "x.nxr");
    await nexus(["recording", "export", id, "-o", path, "--url", again.url]);
    const inFile = await elsewhere(["replay", path, "--data-dir", join(second, "state")]);
    assert.deepEqual([inFile.code, inFile.stderr], [0, ""]);
  },
);

test(
  "nexus replay x.nxr answers host calls from the recording, and takes this process's secrets",
  TIMEOUT,
  async () => {
    let asked = 0;
    const far = createServer((_, answer) => answer.end(`asked ${(asked += 1)}`));
    far.listen(0, "127.0.0.1");
    await once(far, "listening");
    using _ = { [Symbol.dispose]: () => far.close().closeAllConnections() };
    const { port } = far.address() as AddressInfo;
    await using folder = await temporaryFolder();
    const dir = join(folder.path, "project");
    await writeProject(
      dir,
      `  - name: effects
    on: { event: dice.* }
    code: "${FIXTURES}effects.wasm"
    kv: true
    fetch: { allow: ["127.0.0.1:${port}"], allow_private: true }
    secrets: [API_KEY]
    redact: [data.none]
`,
    );
    const secret = { NEXUS_SECRET_API_KEY: "s3cr3t-value" };
    await using server = await serve(dir, secret);
    const id = await thrown(
      server.url,
      `set a 1;get b;list ;secret API_KEY;fetch GET http://127.0.0.1:${port}/x`,
    );
    const path = join(folder.path, "x.nxr");
    const args = ["recording", "export", id, "--with-module", "-o", path, "--url", server.url];
    assert.equal((await nexus(args)).code, 0);
    assert.ok(!(await readFile(path)).includes("s3cr3t-value"));
    const shown = await nexus(["recording", "show", path]);
    assert.match(shown.stdout, /host call +kv\.set\("a", "1"\) → 8 bytes\n/);
    assert.match(
      shown.stdout,
      /host call +fetch\("GET http:\/\/127\.0\.0\.1:\d+\/x".*\) → \d+ bytes\n/,
    );
    assert.match(shown.stdout, /host call +kv\.get\("b"\) → errno 44: .*\n/);
    assert.match(shown.stdout, /secret +API_KEY, its value is not kept\n/);
    const same = await elsewhere(["replay", path], undefined, secret);
    assert.deepEqual([same.code, same.stderr], [0, ""], same.stdout);
    const other = await elsewhere(["replay", path], undefined, { NEXUS_SECRET_API_KEY: "another" });
    assert.equal(other.code, 1);
    assert.match(other.stdout, /✗ not identical: recording, .*secret/s);
    assert.equal((await nexus(["fixture", path], { cwd: dir, env: secret })).code, 0);
    const [name] = await readdir(join(dir, "tests/fixtures"));
    const text = await readFile(join(dir, "tests/fixtures", name!), "utf8");
    const { effects } = (JSON.parse(text) as Fixture).expected;
    assert.deepEqual(
      effects.map(({ kind, summary }) => [kind, summary]),
      [
        ["kv.set", "a"],
        ["fetch", `GET http://127.0.0.1:${port}/x`],
      ],
    );
    const tested = await nexus(["test"], { cwd: dir, env: secret });
    assert.deepEqual([tested.code, tested.stderr], [0, ""], tested.stdout);
    assert.equal(asked, 1, "nobody but the first run has asked");
  },
);
