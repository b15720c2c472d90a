import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { lstat, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { wat } from "@nexus-functions/server/testing/modules";
import { BIN, FIXTURES, nexus, startNexus, temporaryFolder } from "../testing/nexus.ts";

const TIMEOUT = { timeout: 60_000 };
const PROGRAM = `${FIXTURES}program.wasm`;
const SCRIPT = existsSync("/usr/bin/script") ? false : "needs script(1)";

/** Runs fixtures/program.c with options, in a folder; the rest are its arguments. */
function run(options: readonly string[], args: readonly string[], input?: string) {
  return nexus(
    ["invoke", ...options, PROGRAM, "--", ...args],
    input === undefined ? {} : { input },
  );
}

test(
  "nexus invoke hands a program its arguments behind its name, as they are",
  TIMEOUT,
  async () => {
    const { code, stdout, stderr } = await run([], ["args", "", "--dir", "zwölf", "--", "-h"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout, "program.wasm\nargs\n\n--dir\nzwölf\n--\n-h\n");
  },
);

test(
  "nexus invoke gives a program the variables it is told to, and no others",
  TIMEOUT,
  async () => {
    const none = await run([], ["env"]);
    assert.deepEqual(none, { code: 0, stdout: "", stderr: "" });
    const two = await run(["--env", "A=1", "--env", "B=x=y z"], ["env"]);
    assert.deepEqual(two, { code: 0, stdout: "A=1\nB=x=y z\n", stderr: "" });
  },
);

test(
  "nexus invoke ends with a program's exit code, and says nothing of its own",
  TIMEOUT,
  async () => {
    for (const code of [0, 1, 42, 255]) {
      assert.deepEqual(await run([], ["exit", `${code}`]), { code, stdout: "", stderr: "" });
    }
  },
);

test("nexus invoke ends with 134 where a program traps, and says why", TIMEOUT, async () => {
  const { code, stdout, stderr } = await run([], ["trap"]);
  assert.deepEqual([code, stdout], [134, ""]);
  assert.match(
    stderr,
    /^✗ trapped · .*\n  Cannot run function "program\.wasm": it trapped: unreach/,
  );
});

test("nexus invoke lets a program change the files of a granted directory", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  const { code, stdout, stderr } = await run(
    ["--dir", `${folder.path}::/data`],
    ["files", "/data"],
  );
  assert.deepEqual([code, stderr], [0, ""]);
  const [, ...lines] = stdout.split("\n");
  assert.equal(stdout.split("\n")[0], "written");
  assert.match(lines[0]!, /^9 bytes, \d+\.\d{9}$/);
  assert.deepEqual(lines.slice(1, 4).toSorted(), [
    "entry hard type 4",
    "entry link type 7",
    "entry moved.txt type 4",
  ]);
  assert.deepEqual(lines.slice(4), ["written", "appe"]);
  assert.deepEqual(await readdir(join(folder.path, "sub")), ["moved.txt"]);
  assert.equal(await readFile(join(folder.path, "sub/moved.txt"), "utf8"), "written\nappe");
});

test(
  "nexus invoke grants several directories, the one without a name of its own under its path",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "in"));
    await mkdir(join(folder.path, "out"));
    await writeFile(join(folder.path, "in/a.txt"), "from in");
    const options = { cwd: folder.path };
    const dirs = ["--dir", "in", "--dir", "out::/results"];
    const read = await nexus(["invoke", ...dirs, PROGRAM, "--", "read", "in/a.txt"], options);
    assert.deepEqual(read, { code: 0, stdout: "from in", stderr: "" });
    const write = ["invoke", ...dirs, PROGRAM, "--", "write", "/results/b.txt", "to out"];
    assert.deepEqual(await nexus(write, options), { code: 0, stdout: "", stderr: "" });
    assert.equal(await readFile(join(folder.path, "out/b.txt"), "utf8"), "to out");
  },
);

test("nexus invoke keeps a time that a program sets to the nanosecond", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "a"), "123");
  const args = ["touch", "/d/a", "1700000000", "123456789"];
  const touched = await run(["--dir", `${folder.path}::/d`], args);
  assert.deepEqual(touched, { code: 0, stdout: "3 bytes, 1700000000.123456789\n", stderr: "" });
  const { mtimeNs } = await lstat(join(folder.path, "a"), { bigint: true });
  const offNs = mtimeNs - 1_700_000_000_123_456_789n;
  assert.ok(offNs > -240n && offNs < 240n);
});

test("nexus invoke lets a program out of a granted directory by no way", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  const inside = join(folder.path, "inside");
  await mkdir(join(inside, "sub"), { recursive: true });
  await writeFile(join(folder.path, "secret"), "secret");
  await writeFile(join(inside, "open"), "open");
  await symlink("../secret", join(inside, "up"));
  await symlink(join(folder.path, "secret"), join(inside, "absolute"));
  await symlink("..", join(inside, "parent"));
  await symlink("../open", join(inside, "sub/within"));
  const grant = ["--dir", `${inside}::/d`];
  const ways = ["/d/../secret", "/d/up", "/d/absolute", "/d/parent/secret", "/d/sub/../../secret"];
  for (const way of ways) {
    const read = await run(grant, ["read", way]);
    assert.equal(read.code, 1, way);
    assert.match(
      read.stdout,
      /^open: (?:Operation not permitted|Capabilities insufficient)\n$/,
      way,
    );
    const written = await run(grant, ["write", way, "changed"]);
    assert.equal(written.code, 1, way);
  }
  assert.equal(await readFile(join(folder.path, "secret"), "utf8"), "secret");
  assert.equal((await run(grant, ["read", "/d/sub/within"])).stdout, "open");
  assert.equal((await run(grant, ["read", join(folder.path, "secret")])).code, 1);
  assert.equal((await run([], ["read", "/d/open"])).code, 1);
});

test("nexus invoke passes megabytes through a program, byte for byte", TIMEOUT, async () => {
  const bytes = randomBytes(5 * 1024 * 1024);
  const child = spawn(process.execPath, [BIN, "invoke", PROGRAM, "--", "echo"]);
  const sum = createHash("sha256");
  let length = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    length += chunk.length;
    sum.update(chunk);
  });
  child.stdin.end(bytes);
  const [code] = (await once(child, "close")) as [number];
  assert.deepEqual([code, length], [0, bytes.length]);
  assert.equal(sum.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
});

test(
  "nexus invoke shows what a program writes at once, and waits for what is typed",
  TIMEOUT,
  async () => {
    await using running = startNexus(["invoke", PROGRAM, "--", "ask"]);
    await running.shows(/^who\? $/);
    running.child.stdin.end("Ada\n");
    assert.deepEqual(await running.ended(), { code: 0, stdout: "who? hello Ada\n", stderr: "" });
  },
);

test(
  "nexus invoke leaves its input as blocking as it was, for others who share it",
  { ...TIMEOUT, skip: process.platform === "linux" ? false : "needs /proc" },
  async () => {
    await using running = startNexus(["invoke", PROGRAM, "--", "ask"]);
    await running.shows(/who/);
    const info = await readFile(`/proc/${running.child.pid}/fdinfo/0`, "utf8");
    const flags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)![1]!, 8);
    assert.equal(flags & constants.O_NONBLOCK, 0);
    running.child.stdin.end();
    await running.ended();
  },
);

/** A named pipe of the test's own, open at both ends, which never waits. */
async function* nonBlockingPipe(): AsyncGenerator<number> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "pipe");
  spawnSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    yield fd;
  } finally {
    closeSync(fd);
  }
}

test(
  "nexus invoke waits for input and for room also where its streams are non-blocking",
  { ...TIMEOUT, skip: process.platform === "linux" ? false : "needs mkfifo" },
  async () => {
    const command = [BIN, "invoke", PROGRAM, "--"];
    for await (const pipe of nonBlockingPipe()) {
      const child = spawn(process.execPath, [...command, "ask"], { stdio: [pipe, "pipe", 2] });
      const [asked] = (await once(child.stdout!, "data")) as [Buffer];
      assert.equal(asked.toString(), "who? ");
      writeSync(pipe, "Ada\n");
      let answered = "";
      while (!answered.endsWith("\n")) {
        const [part] = (await once(child.stdout!, "data")) as [Buffer];
        answered += part.toString();
      }
      assert.equal(answered, "hello Ada\n");
      await once(child, "close");
    }
    for await (const pipe of nonBlockingPipe()) {
      const child = spawn(process.execPath, [...command, "endless"], { stdio: [0, pipe, 2] });
      const bytes = Buffer.alloc(300_000);
      for (let got = 0; got < bytes.length;) {
        got += readNow(pipe, bytes.subarray(got));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(bytes.toString(), "again\n".repeat(50_000));
      child.kill("SIGKILL");
      await once(child, "close");
    }
  },
);

function readNow(fd: number, into: Buffer): number {
  try {
    return readSync(fd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    return 0;
  }
}

test(
  "nexus invoke wakes a program that polls its input when there is some, or when time is up",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    // Open at both ends: it is empty, and does not end.
    const script = 'mkfifo "$3"; exec "$0" "$1" invoke "$2" -- await 20 0<>"$3"';
    const args = ["-c", script, process.execPath, BIN, PROGRAM, join(folder.path, "fifo")];
    const nothing = spawnSync("bash", args, { encoding: "utf8" });
    assert.deepEqual([nothing.stdout, nothing.stderr], ["nothing\n", ""]);
    const something = 'echo | "$0" "$1" invoke "$2" -- await 60000';
    const given = spawnSync("bash", ["-c", something, process.execPath, BIN, PROGRAM], {
      encoding: "utf8",
    });
    assert.deepEqual([given.stdout, given.stderr], ["something\n", ""]);
  },
);

test(
  "nexus invoke ends a program whose reader has had enough, as a shell tells it",
  TIMEOUT,
  () => {
    const script = '"$0" "$1" invoke "$2" -- endless | head -c 1; echo " codes ${PIPESTATUS[@]}"';
    const { stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, BIN, PROGRAM], {
      encoding: "utf8",
    });
    assert.deepEqual([stdout, stderr], ["a codes 141 0\n", ""]);
  },
);

test("nexus invoke ends at Ctrl-C, by the signal, whatever the program does", TIMEOUT, async () => {
  for (const [what, shows] of [
    ["spin", /spinning/],
    ["ask", /who/],
  ] as const) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      await using running = startNexus(["invoke", PROGRAM, "--", what]);
      await running.shows(shows);
      running.child.kill(signal);
      await running.ended();
      assert.equal(running.child.signalCode, signal);
    }
  }
});

test(
  "nexus invoke ends a program at its time limit, also one that waits for input",
  TIMEOUT,
  async () => {
    for (const what of ["spin", "ask"]) {
      await using running = startNexus(["invoke", "--timeout", "50ms", PROGRAM, "--", what]);
      const { code, stderr } = await running.ended();
      assert.equal(code, 1);
      assert.match(stderr, /^✗ timed_out · .*\n  Cannot run .* within its limit of 50 ms\n$/);
    }
  },
);

test(
  "nexus invoke tells a program which of its streams are terminals",
  { ...TIMEOUT, skip: SCRIPT },
  async () => {
    assert.equal((await run([], ["tty"])).stdout, "0 0 0\n");
    const command = [process.execPath, BIN, "invoke", PROGRAM, "--", "tty"].join(" ");
    const { stdout } = onTerminal(command);
    assert.match(stdout, /^1 1 1\r\n✓ succeeded · /);
  },
);

test(
  "nexus invoke sums up at a terminal on a line of its own, and elsewhere where it is asked to",
  { ...TIMEOUT, skip: SCRIPT },
  async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "a"), "no end of line");
    const command = [process.execPath, BIN, "invoke", "--dir", `${folder.path}::/`, PROGRAM, "--"];
    const { stdout } = onTerminal([...command, "read", "/a"].join(" "));
    assert.match(stdout, /^no end of line\r\n✓ succeeded · /);
    const asked = await run(["--verbose"], ["exit", "3"]);
    assert.match(asked.stderr, /^✗ failed \(exit code 3\) · .* memory\n$/);
  },
);

test(
  "nexus invoke runs a module without streams as a function, on what it reads",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "bare.wasm");
    await writeFile(
      path,
      await wat(`(module
        (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (i32.const 16))
        (func (export "handle_event") (param i32 i32) (result i64)
          (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
                  (i64.extend_i32_u (local.get 1)))))`),
    );
    assert.deepEqual(await nexus(["invoke", path], { input: "back again" }), {
      code: 0,
      stdout: "back again",
      stderr: "",
    });
    const granted = await nexus(["invoke", "--dir", folder.path, path], { input: "" });
    assert.equal(granted.code, 2);
  },
);

test("nexus invoke refuses what cannot be granted, as wrong usage", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "file"), "");
  const options = { cwd: folder.path };
  const refused = async (dir: string) => {
    const { code, stdout, stderr } = await nexus(["invoke", "--dir", dir, PROGRAM], options);
    assert.deepEqual([code, stdout], [2, ""]);
    return stderr;
  };
  assert.equal(
    await refused("none::/d"),
    'nexus: cannot grant directory "none": it does not exist\n',
  );
  assert.equal(await refused("file::/d"), 'nexus: cannot grant directory "file": it is a file\n');
  assert.match(
    await refused(".::"),
    /^nexus: option --dir <host::guest>: "\.::" is not HOST::GUEST/,
  );
  assert.match(await refused("::/d"), /^nexus: option --dir/);
  const event = await nexus(["invoke", "--dir", ".", PROGRAM, "--data", "1"], options);
  assert.equal(event.code, 2);
  assert.match(event.stderr, /^nexus: cannot grant a directory to ".*": it is run as a function\n/);
});

function onTerminal(command: string) {
  const env = { ...process.env, NO_COLOR: "1" };
  return spawnSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8", env });
}
