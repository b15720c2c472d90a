import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeNodeImage } from "./testing/node-image.ts";
import { openStore, type Store } from "./testing/store.ts";
import { needContainerTools } from "./testing/tools.ts";

const ROOT = join(import.meta.dirname, "..");
const IMAGE = "localhost/nexus-functions:test";
const PATIENCE_MS = 30_000;

// Posts events with ids of their own, sixteen at a time, and prints each id once the server has answered for it.
const LOAD = `
  let n = 0;
  const post = async () => {
    for (;;) {
      const id = "load-" + n++;
      const answer = await fetch("http://127.0.0.1:8080/events/com.example.load", {
        method: "POST",
        headers: { "ce-id": id, "content-type": "application/json" },
        body: "{}",
      });
      if (answer.status !== 202) return;
      console.log(id);
    }
  };
  await Promise.allSettled(Array.from({ length: 16 }, post));
`;

let store: Store;

before(async () => {
  await needContainerTools();
  store = await openStore();
  await makeNodeImage(store);
  await store.buildah(
    ...["bud", "--isolation=chroot", "--pull-never", "--format=docker", "--target=runtime"],
    ...["--build-arg=VERSION=1.2.3", "--build-arg=COMMIT=0123abc", "-t", IMAGE, ROOT],
  );
  await store.podman("volume", "create", "data");
  const project = join(store.scratch, "project");
  await mkdir(join(project, "functions"), { recursive: true });
  await copyFile(
    join(ROOT, "examples/hello/build/hello.wasm"),
    join(project, "functions/hello.wasm"),
  );
  await writeFile(
    join(project, "nexus.yaml"),
    "version: v1\nfunctions:\n" +
      "  - { name: hello, on: { event: com.example.* }, code: ./functions/hello.wasm }\n",
  );
  await run("chmod", project);
});

after(() => store[Symbol.asyncDispose]());

test("Dockerfile gives an image for user 1000 that says its version, commit, ports, health check and stop signal", async () => {
  const [{ Config: config }] = JSON.parse(await store.podman("image", "inspect", IMAGE)) as [Image];
  assert.equal(config.User, "1000:1000");
  assert.equal(config.StopSignal, "SIGTERM");
  assert.deepEqual(Object.keys(config.ExposedPorts).sort(), ["4222/tcp", "8080/tcp", "8222/tcp"]);
  assert.equal(config.Labels["org.opencontainers.image.version"], "1.2.3");
  assert.equal(config.Labels["org.opencontainers.image.revision"], "0123abc");
  assert.equal(config.Healthcheck.Test[1], "node");
});
