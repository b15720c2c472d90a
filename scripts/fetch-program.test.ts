import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fetchProgram } from "./fetch-program.ts";

/** A server of one real archive with one program; everything else is not found. */
async function release() {
  const folder = mkdtempSync(join(tmpdir(), "nexus-release-"));
  mkdirSync(join(folder, "tool-v1"));
  writeFileSync(join(folder, "tool-v1", "tool"), "#!/bin/sh\necho it runs\n");
  execFileSync("tar", ["-czf", join(folder, "tool.tar.gz"), "-C", folder, "tool-v1"]);
  const archive = readFileSync(join(folder, "tool.tar.gz"));
  const server = createServer((request, response) => {
    if (request.url !== "/tool.tar.gz") response.statusCode = 404;
    response.end(archive);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tool.tar.gz`,
    sha256: createHash("sha256").update(archive).digest("hex"),
    member: "tool-v1/tool",
    bin: join(folder, "bin"),
    path: join(folder, "bin", "tool"),
    stop,
    [Symbol.dispose]() {
      stop();
      rmSync(folder, { recursive: true });
    },
  };
}

test("fetchProgram() puts the program there, ready to run, and replaces an older one", async () => {
  using from = await release();
  mkdirSync(from.bin);
  writeFileSync(from.path, "older");
  await fetchProgram(from, from.path);
  assert.equal(spawnSync(from.path, { encoding: "utf8" }).stdout, "it runs\n");
  assert.deepEqual(readdirSync(from.bin), ["tool"]);
});

test("fetchProgram() refuses another checksum, a missing member and a missing archive, and leaves what is there", async () => {
  using from = await release();
  mkdirSync(from.bin);
  writeFileSync(from.path, "older");
  const other = { ...from, sha256: "0".repeat(64) };
  await assert.rejects(fetchProgram(other, from.path), /its SHA-256 is [0-9a-f]{64}, and 0{64}/);
  await assert.rejects(
    fetchProgram({ ...from, member: "no" }, from.path),
    /Cannot take "no" out of/,
  );
  const nowhere = { ...from, url: from.url.replace("tool", "none") };
  await assert.rejects(fetchProgram(nowhere, from.path), /the answer is 404/);
  from.stop();
  await assert.rejects(fetchProgram(from, from.path), /Cannot download http:\S+: \w/);
  assert.equal(readFileSync(from.path, "utf8"), "older");
  assert.deepEqual(readdirSync(from.bin), ["tool"]);
});
