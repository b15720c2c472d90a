import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { deploy } from "./deploy.ts";
import { moduleStore } from "./functions/module-store.ts";
import { versionArchive } from "./functions/version-archive.ts";
import { loadProject } from "./functions/project.ts";
import { createRegistry } from "./functions/registry.ts";
import { folderWith } from "./functions/testing/folder.ts";
import { threadRuntime } from "./runtime/host/thread-runtime.ts";
import { fixture } from "./testing/modules.ts";

const YAML = `version: v1
functions:
  - name: files
    on: { event: a }
    code: files.wasm
    scratch: 1Mi
    mounts: [{ host: data, guest: /data }]
`;

test("deploy() gives a function the files of its version, until the next one", async () => {
  await using folder = await folderWith({
    "nexus.yaml": YAML,
    "files.wasm": await fixture("files"),
    "data/in/a.txt": "first",
  });
  const runtime = threadRuntime({ workers: 1, maxWorkers: 1 });
  const registry = createRegistry();
  const modules = moduleStore(join(folder.path, "store"));
  const target = { modules, versions: versionArchive(folder.path, modules), runtime, registry };
  const redeploy = async () => {
    const project = await loadProject({ configFile: folder.at("nexus.yaml") });
    return (await deploy(project, target)).changed.map(({ name }) => name);
  };
  const seen = async () => {
    const { version } = registry.get("files")!;
    const args = ["show", "/data/in/a.txt", "put", "/tmp/a"];
    const request = { version, function: "files", stdin: new Uint8Array(0), env: {}, args };
    return new TextDecoder().decode((await runtime.invoke(request)).output);
  };
  try {
    assert.deepEqual(await redeploy(), ["files"]);
    assert.equal(await seen(), "show /data/in/a.txt: first\nput /tmp/a: done\n");
    await folder.write("data/in/a.txt", "second");
    assert.equal(await seen(), "show /data/in/a.txt: first\nput /tmp/a: done\n");
    assert.deepEqual(await redeploy(), ["files"]);
    assert.equal(await seen(), "show /data/in/a.txt: second\nput /tmp/a: done\n");
    assert.deepEqual(await redeploy(), []);
  } finally {
    await runtime.close();
  }
});
