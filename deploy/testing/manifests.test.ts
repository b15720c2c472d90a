import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { atLeast } from "@nexus-functions/server/core/nats-version";
import { loadProject } from "@nexus-functions/server/functions/project";
import { findNatsServer } from "@nexus-functions/server/nats/find-server";
import {
  appliedManifests,
  inRepository,
  overlayManifests,
  title,
  type Manifest,
} from "./manifest.ts";
import { referenceProblems } from "./references.ts";
import { schemaCheck } from "./schema.ts";
import { addressProblems, configFile, inFolder } from "./settings.ts";

const run = promisify(execFile);
const check = schemaCheck();

const SETS = [
  { name: "k8s", read: () => appliedManifests(inRepository("k8s")), outside: [] },
  { name: "staging", read: () => overlay("staging"), outside: [] },
  { name: "single-node", read: () => overlay("single-node"), outside: [] },
  {
    name: "production",
    read: () => overlay("production"),
    outside: ["Secret nexus/nats-credentials"],
  },
];

for (const { name, read, outside } of SETS) {
  test(`${name}: every object is one that Kubernetes 1.36 defines, with no unknown field`, async () => {
    const manifests = await read();
    assert.ok(manifests.length > 0);
    assert.deepEqual(manifests.flatMap(check), []);
  });

  test(`${name}: every reference leads to something, and nothing comes before its namespace`, async () => {
    assert.deepEqual(referenceProblems(await read(), outside), []);
  });

  test(`${name}: nexus.yaml loads, and the servers it names are there`, async () => {
    const manifests = await read();
    await inFolder({ "nexus.yaml": configFile(manifests, "nexus.yaml") }, async (folder) => {
      const { nats } = await loadProject({ configFile: `${folder}/nexus.yaml` });
      assert.deepEqual(addressProblems(manifests, nats?.servers ?? []), []);
    });
  });

  test(`${name}: nats.conf is one that nats-server takes`, async (t) => {
    const manifests = await read();
    const { path, version } = await findNatsServer(natsServerPlace(processEnvironment()));
    const text = configFile(manifests, "nats.conf");
    const takesSyncAlways = atLeast(version, "2.10.0");
    t.diagnostic(`nats-server ${version}`);
    if (!takesSyncAlways) {
      // The images are newer. Of this one it is asked that it stumbles there, and nowhere else.
      await assert.rejects(testConfig(path, text), /unknown field "sync_interval"/);
    }
    await testConfig(path, takesSyncAlways ? text : text.replace(/^ *sync_interval: always$/m, ""));
    assert.match(text, /^ *sync_interval: always$/m);
  });
}

test("k8s: the overlays are made of the files that kubectl applies", async () => {
  const applied = await appliedManifests(inRepository("k8s"));
  const kustomized = await overlayManifests(inRepository("k8s"));
  assert.deepEqual(kustomized.map(title).sort(), applied.map(title).sort());
});

function overlay(name: string): Promise<Manifest[]> {
  return overlayManifests(inRepository(`deploy/kustomize/${name}`));
}

async function testConfig(program: string, text: string): Promise<void> {
  await inFolder({ "nats.conf": text }, async (folder) => {
    const env = { POD_NAME: "nats-0", NATS_USER: "nexus", NATS_PASSWORD: "replace-me-before-use" };
    await run(program, ["-t", "-c", `${folder}/nats.conf`], { env, timeout: 30_000 });
  });
}
