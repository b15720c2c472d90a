import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { until } from "@nexus-functions/server/testing/until";
import { COMMIT, loadImages, NEXUS_IMAGE, VERSION } from "./testing/images.ts";
import { openStore, type Store } from "./testing/store.ts";
import { needContainerTools } from "./testing/tools.ts";

const ROOT = join(import.meta.dirname, "..");
const MOST_BYTES = 200_000_000;

// Posts events with ids of their own, sixteen at a time, and prints each id once the server has answered for it.
const LOAD = `
  let n = 0;
  const post = async () => {
    for (;;) {
      const id = "load-" + n++;
      const answer = await fetch("http://127.0.0.1:8080/events/com.example.load", {
        method: "POST",
        headers: {
          "ce-id": id,
          "content-type": "application/json",
          authorization: "Bearer " + process.env.NEXUS_API_TOKEN,
        },
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
  await loadImages(store, NEXUS_IMAGE);
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
});

after(() => store[Symbol.asyncDispose]());

test("Dockerfile gives an image for user 1000 that says its version, commit, ports, health check and stop signal", async () => {
  const [{ Config: config, Healthcheck: health }] = JSON.parse(
    await store.podman("image", "inspect", NEXUS_IMAGE),
  ) as [Image];
  assert.equal(config.User, "1000:1000");
  assert.equal(config.StopSignal, "SIGTERM");
  assert.deepEqual(Object.keys(config.ExposedPorts).sort(), ["4222/tcp", "8080/tcp", "8222/tcp"]);
  assert.equal(config.Labels["org.opencontainers.image.version"], VERSION);
  assert.equal(config.Labels["org.opencontainers.image.revision"], COMMIT);
  assert.equal(health.Test[1], "node");
});

test("Dockerfile gives an image of less than 200 MB", async () => {
  const [{ Size: bytes }] = JSON.parse(await store.podman("image", "inspect", NEXUS_IMAGE)) as [
    Image,
  ];
  assert.ok(bytes < MOST_BYTES, `It has ${bytes} bytes`);
});

test("the image runs read-only without capabilities as nexus, publishes and replays, and keeps what it was given over a SIGTERM under load", async () => {
  await startServer("first");
  assert.equal((await store.podman("exec", "first", "id", "-un")).trim(), "nexus");
  await store.podman("healthcheck", "run", "first");
  await assert.rejects(store.podman("exec", "first", "touch", "/app/written"), /Read-only/);

  await store.podman(
    "exec",
    "first",
    "nexus",
    "publish",
    "com.example.kept",
    "--id",
    "kept",
    "--data",
    '{"name":"Ada"}',
    "--wait",
    "20s",
  );
  await store.podman("exec", "first", "nexus", "replay", "kept");
  const records = await recordsOf("first");
  assert.deepEqual(
    records.map(({ event_id, status }) => [event_id, status]),
    [
      ["kept", "succeeded"],
      ["kept", "succeeded"],
    ],
  );

  const load = store.startPodman("exec", "first", "node", "--input-type=module", "-e", LOAD);
  const ended = once(load, "close");
  const accepted: string[] = [];
  const enough = Promise.withResolvers<void>();
  void ended.then(() => enough.reject(new Error("The load ended before the server was stopped")));
  createInterface({ input: load.stdout }).on("line", (id) => {
    if (accepted.push(id) === 200) enough.resolve();
  });
  await enough.promise;
  await store.podman("stop", "--time", "30", "first");
  await ended;
  const [{ State: state }] = JSON.parse(await store.podman("inspect", "first")) as [Container];
  assert.equal(state.ExitCode, 0);
  assert.match(await store.podman("logs", "first"), /"message":"Stopped"/);
  await store.podman("rm", "first");

  await startServer("second");
  const kept = new Set((await listed<{ id: string }>("second", "events")).map(({ id }) => id));
  assert.ok(kept.has("kept"));
  assert.deepEqual(
    accepted.filter((id) => !kept.has(id)),
    [],
  );
  await until(async () => {
    const ran = new Set((await recordsOf("second")).map(({ event_id }) => event_id));
    return accepted.every((id) => ran.has(id));
  });
});

interface Image {
  readonly Size: number;
  readonly Config: {
    readonly User: string;
    readonly StopSignal: string;
    readonly ExposedPorts: Readonly<Record<string, unknown>>;
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly Healthcheck: { readonly Test: readonly string[] };
}

interface Container {
  readonly State: { readonly ExitCode: number };
}

interface InvocationRecord {
  readonly event_id: string;
  readonly status: string;
}

/**
 * Resolves when the server in the new container is healthy. The container has a loopback of its own and no other
 * network, so that nothing of the machine's is changed; the test talks to the server from inside.
 */
async function startServer(name: string): Promise<void> {
  const project = join(store.scratch, "project");
  await store.podman(
    "run",
    "--detach",
    "--name",
    name,
    "--network=none",
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--memory=512m",
    "--env=NEXUS_API_TOKEN=0123456789abcdef0123456789abcdef",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
    "-v",
    "data:/app/data",
    "-v",
    `${project}/functions:/app/functions:ro`,
    "-v",
    `${project}/nexus.yaml:/app/nexus.yaml:ro`,
    NEXUS_IMAGE,
  );
  await until(() => isHealthy(name));
}

async function isHealthy(container: string): Promise<boolean> {
  try {
    await store.podman("healthcheck", "run", container);
    return true;
  } catch {
    return false;
  }
}

function recordsOf(container: string): Promise<readonly InvocationRecord[]> {
  return listed(container, "invocations");
}

async function listed<T>(container: string, what: "events" | "invocations"): Promise<readonly T[]> {
  const text = await store.podman("exec", container, "nexus", what, "--all", "--json");
  return (JSON.parse(text) as Readonly<Record<string, readonly T[]>>)[what]!;
}
