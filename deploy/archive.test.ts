import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { until } from "@nexus-functions/server/testing/until";
import { inRepository } from "./testing/manifest.ts";

const run = promisify(execFile);
const PLATFORM = `${process.platform}-${process.arch}`;

let scratch: string;
/** What a user has unpacked. */
let unpacked: string;
let empty: string;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "nexus-archive-test-"));
  const script = inRepository("scripts/ship.ts");
  await run(process.execPath, [script, "archives", scratch, PLATFORM], { timeout: 150_000 });
  const archive = (await readdir(scratch)).find((name) => name.endsWith(".tar.gz"))!;
  await run("tar", ["-xzf", join(scratch, archive), "-C", scratch]);
  unpacked = join(scratch, archive.replace(".tar.gz", ""));
  empty = join(scratch, "empty");
  await mkdir(empty);
});

after(() => rm(scratch, { recursive: true }));

/** Runs the unpacked command where nothing else is: an empty folder, and a PATH on which nothing is found. */
async function nexus(args: readonly string[], from = join(unpacked, "nexus"), cwd = empty) {
  const { stdout } = await run(from, args, { cwd, env: { PATH: "/nonexistent", HOME: empty } });
  return stdout;
}

test("ship.ts archives: SHA256SUMS has the archive's checksum, and the archive its licences", async () => {
  await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: scratch });
  assert.deepEqual((await readdir(unpacked)).sort(), [
    "LICENSE",
    "bin",
    "nexus",
    "node_modules",
    "packages",
  ]);
  assert.deepEqual((await readdir(join(unpacked, "bin"))).sort(), ["LICENSE", "node"]);
});

test("ship.ts archives: the nexus of the archive runs in an empty folder with nothing on the PATH", async () => {
  const manifest = await readFile(inRepository("packages/cli/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  assert.equal(await nexus(["--version"]), `${version}\n`);
});

test("ship.ts archives: nexus runs through links too, relative and absolute", async () => {
  await symlink(join(unpacked, "nexus"), join(empty, "absolute"));
  await symlink("absolute", join(empty, "relative"));
  for (const name of ["absolute", "relative"]) {
    const { stdout } = await run(join(empty, name), ["--version"], { cwd: scratch });
    assert.match(stdout, /^\d+\.\d+\.\d+/);
  }
});

test("ship.ts archives: every module of the server can be loaded with the dependencies that are left", async () => {
  const script = `
    import { readdirSync, readFileSync } from "node:fs";
    const root = ${JSON.stringify(join(unpacked, "packages/server/dist"))};
    let count = 0;
    for (const name of readdirSync(root, { recursive: true })) {
      if (!name.endsWith(".js")) continue;
      const path = root + "/" + name;
      // What a thread begins with wants to be in a thread.
      if (/workerData|parentPort/.test(readFileSync(path, "utf8"))) continue;
      await import(path);
      count++;
    }
    console.log(count);
    process.exit(0);
  `;
  const node = join(unpacked, "bin/node");
  const { stdout } = await run(node, ["--input-type=module", "-e", script], { cwd: empty });
  assert.ok(Number(stdout) > 100, `${stdout} modules`);
});

test("ship.ts archives: the server of the archive keeps an event, runs a function on it and sends its spans", async () => {
  const traces = await collector();
  const project = join(empty, "hello");
  await mkdir(join(project, "build"), { recursive: true });
  for (const file of ["nexus.yaml", "build/hello.wasm"]) {
    await run("cp", [inRepository(`examples/hello/${file}`), join(project, file)]);
  }
  const server = spawn(join(unpacked, "nexus"), ["start"], {
    cwd: project,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: "/nonexistent",
      NEXUS_HOST: "127.0.0.1",
      NEXUS_PORT: "0",
      OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
    },
  });
  try {
    const url = await addressOf(server.stdout);
    const args = ["publish", "com.example.greeting.requested", "--data", '{"name":"Ada"}'];
    const text = await nexus([...args, "--wait", "20s", "--json", "--url", url]);
    const { invocations } = JSON.parse(text) as {
      readonly invocations: readonly { readonly status: string }[];
    };
    assert.deepEqual(
      invocations.map(({ status }) => status),
      ["succeeded"],
    );
    await until(() => traces.paths.includes("/v1/traces"));
  } finally {
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    await ended;
    traces.close();
  }
  assert.equal(server.exitCode, 0);
});

/** Resolves with where the server listens, as its log says. */
async function addressOf(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error("The server ended before it said where it listens");
}

/** A collector of OpenTelemetry's traces that notes what is asked of it. */
async function collector() {
  const paths: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    paths.push(request.url!);
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, paths, close: () => server.close() };
}
