import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { atLeast } from "@nexus-functions/server/core/nats-version";
import { findNatsServer } from "@nexus-functions/server/nats/find-server";
import {
  composeConfig,
  composeProblems,
  composeProgram,
  productionProblems,
} from "./testing/compose.ts";
import { unpackedPackage } from "./testing/debian.ts";
import { inRepository } from "./testing/manifest.ts";
import { inFolder } from "./testing/settings.ts";
import { command } from "./testing/store.ts";

const FILE = "docker-compose.yml";
const FILES = [FILE, "docker-compose.dev.yml"] as const;

for (const file of FILES) {
  test(`${file}: Compose takes it, and no port, mount, image or right of it is looser than it says`, async () => {
    assert.deepEqual(composeProblems(await composeConfig(inRepository(file))), []);
  });
}

test(`${FILE}: every service starts again, is bounded and has no rights that it does not need`, async () => {
  assert.deepEqual(productionProblems(await composeConfig(inRepository(FILE))), []);
});

test(`${FILE}: without a profile it is NATS and nexus, and nexus alone has a port outside`, async () => {
  const { services } = await composeConfig(inRepository(FILE));
  const started = Object.entries(services).filter(([, { profiles = [] }]) => profiles.length === 0);
  assert.deepEqual(
    started.map(([name, { ports = [] }]) => [name, ports.length]),
    [
      ["nats", 0],
      ["nexus", 1],
    ],
  );
});

test("deploy/nats.conf is one that nats-server 2.10 takes", async () => {
  const { path, version } = await findNatsServer(natsServerPlace(processEnvironment()));
  const program = atLeast(version, "2.10.0")
    ? path
    : join(await unpackedPackage("trixie", "nats-server"), "usr/sbin/nats-server");
  await command(program, "-t", "-c", inRepository("deploy/nats.conf"));
});

interface Mistake {
  readonly from: string;
  readonly to: string;
  readonly problem: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  { from: "127.0.0.1:8080}", to: "8080}", problem: /port 8080 is open to every network/ },
  { from: "nexus.yaml:ro", to: "nexus.yaml", problem: /may write to .*nexus\.yaml/ },
  { from: "nats:2.10-alpine", to: "nats:latest", problem: /nats: image .* has no version/ },
  { from: "test:", to: "x-test:", problem: /waits for the health of nats/ },
  { from: "restart: unless-stopped", to: "restart: on-failure", problem: /does not start again/ },
  { from: "cap_drop: [ALL]", to: "cap_drop: [KILL]", problem: /has capabilities/ },
];

for (const { from, to, problem } of MISTAKES) {
  test(`composeProblems() finds "${to}" in place of "${from}"`, async () => {
    const project = await withMistake(from, to);
    assert.match([...composeProblems(project), ...productionProblems(project)].join("\n"), problem);
  });
}

test("Compose itself refuses a key that it does not know", async () => {
  await assert.rejects(withMistake("mem_limit:", "memory_limit:"), /memory_limit/);
});

test("composeProgram() is Compose 2 or newer", async () => {
  assert.match(await command(...(await composeProgram()), "version", "--short"), /^v?[2-9]\.\d/);
});

async function withMistake(from: string, to: string): ReturnType<typeof composeConfig> {
  const text = await readFile(inRepository(FILE), "utf8");
  assert.ok(text.includes(from), from);
  const found: Awaited<ReturnType<typeof composeConfig>>[] = [];
  await inFolder({ [FILE]: text.replace(from, to) }, async (folder) => {
    found.push(await composeConfig(join(folder, FILE)));
  });
  return found[0]!;
}
