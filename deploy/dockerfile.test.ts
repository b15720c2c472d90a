import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { inRepository } from "./testing/manifest.ts";

const run = promisify(execFile);
const dockerfile = await readFile(inRepository("Dockerfile"), "utf8");
/** By the name of their stage: the instructions, each in one line. */
const stages = new Map(
  dockerfile
    .replace(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split(/^(?=FROM )/m)
    .map((text) => [/ AS (\S+)$/m.exec(text)?.[1], text.trim().split("\n")]),
);

test("Dockerfile: the dependencies' own command installs those of the target, whatever the machine is", async () => {
  const command = stages.get("dependencies")!.find((line) => line.startsWith("RUN npm ci "))!;
  const folder = await mkdtemp(join(tmpdir(), "nexus-dockerfile-"));
  try {
    const manifests = ["client", "server", "cli"].map((name) => `packages/${name}/package.json`);
    for (const file of ["package.json", "package-lock.json", ".npmrc", ...manifests]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await cp(inRepository(file), join(folder, file));
    }
    for (const [TARGETARCH, cpu] of [
      ["arm64", "arm64"],
      ["amd64", "x64"],
      // A builder that is told of no platform builds for its own.
      ["", process.arch],
    ] as const) {
      await run("sh", ["-ec", command.slice("RUN ".length)], {
        cwd: folder,
        env: { ...process.env, TARGETARCH },
      });
      const prebuilds = await readdir(join(folder, "node_modules/@lmdb"));
      assert.deepEqual(prebuilds, [`lmdb-linux-${cpu}`]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("Dockerfile: what is not of the target is built on the machine that builds, and nothing is for one processor", () => {
  for (const [name, [from]] of stages) {
    if (name === undefined || name === "runtime") continue;
    const isBuiltHere = from!.includes("--platform=$BUILDPLATFORM") || /^FROM (?!\$)/.test(from!);
    assert.equal(isBuiltHere, !["functions", "root"].includes(name), `${name}: ${from}`);
  }
  const named = dockerfile.match(/.*(?:amd64|x86|aarch64|x64).*/g);
  assert.equal(named?.length, 1, named?.join("\n") ?? "none");
});
