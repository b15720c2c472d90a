import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { readConfig } from "@nexus-functions/server/config";
import { inRepository } from "../testing/manifest.ts";

const run = promisify(execFile);
const UNIT = inRepository("deploy/systemd/nexus.service");

test("nexus.service is a unit that systemd takes", async (t) => {
  const found = await run("systemd-analyze", ["--version"]).then(
    () => true,
    () => false,
  );
  if (!found) {
    assert.equal(process.env["CI"], undefined, "CI has systemd-analyze: install systemd");
    return t.skip("there is no systemd-analyze");
  }
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", UNIT]);
  assert.equal(stdout + stderr, "");
});

test("nexus.service sets what the server reads, and waits longer than it drains", async () => {
  const text = await readFile(UNIT, "utf8");
  const set = [...text.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line]) => line!.split(" "));
  const env = Object.fromEntries(set.map((one) => one.split(/=(.*)/).slice(0, 2)));
  const { NEXUS_API_TOKEN_FILE: tokens, ...others } = env as Record<string, string>;
  assert.equal(tokens, "%d/tokens");
  assert.match(text, /^LoadCredential=tokens:/m);
  const config = readConfig(others, {}, () => false);
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.dataDir, "/var/lib/nexus");
  const stopMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(text)![1]) * 1000;
  assert.ok(stopMs > config.drainMs, `${stopMs} ms for a drain of ${config.drainMs} ms`);
  for (const name of Object.keys(others).filter((name) => name.startsWith("NEXUS_"))) {
    const page = await readFile(inRepository("docs/configuration.md"), "utf8");
    assert.ok(page.includes(`\`${name}\``), name);
  }
});
