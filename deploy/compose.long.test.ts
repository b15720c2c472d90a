import assert from "node:assert/strict";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "@nexus-functions/server/testing/until";
import { composeConfig, composeProgram } from "./testing/compose.ts";
import { loadImages, NATS_IMAGE, NEXUS_IMAGE } from "./testing/images.ts";
import { inRepository } from "./testing/manifest.ts";
import { openStore, type Store } from "./testing/store.ts";

const FILE = "docker-compose.yml";
const SOCKET = "unix:///run/podman.sock";
const TOKEN = "0123456789abcdef".repeat(4);
const URL = "http://127.0.0.1:8080";

let store: Store;

before(async () => {
  store = await openStore();
  await loadImages(store, NATS_IMAGE, NEXUS_IMAGE);
  const { services } = await composeConfig(inRepository(FILE));
  await store.podman("tag", NATS_IMAGE, services["nats"]!.image!);
  const project = join(store.scratch, "project");
  await mkdir(join(project, "functions"), { recursive: true });
  await cp(inRepository(FILE), join(project, FILE));
  await cp(inRepository("deploy/nats.conf"), join(project, "deploy/nats.conf"));
  await cp(inRepository("examples/hello/build/hello.wasm"), join(project, "functions/hello.wasm"));
  await writeFile(
    join(project, "nexus.yaml"),
    "version: v1\nfunctions:\n" +
      "  - { name: hello, on: { event: com.example.* }, code: ./functions/hello.wasm }\n",
  );
  // It ends with the store.
  store.startPodman("system", "service", "--time=0", SOCKET);
  await until(() =>
    compose("ls").then(
      () => true,
      () => false,
    ),
  );
});

after(() => store[Symbol.asyncDispose]());

test("docker-compose.yml: an event goes through both services, is there after down and up, and gone after down -v", async () => {
  await up();
  assert.equal((await call("GET", "/events/kept", "wrong")).status, 401);
  const published = await call("POST", "/events/com.example.greeting?wait=20s", TOKEN);
  assert.equal(published.status, 200);
  assert.match(published.text, /"succeeded"/);
  const health = await call("GET", "/health", TOKEN);
  assert.match(health.text, /"driver":"nats"/);
  assert.deepEqual(await names("network", "--filter=name=nexus"), ["nexus-network"]);

  await compose("down");
  assert.deepEqual(await names("ps", "--all"), []);
  assert.deepEqual(await names("volume"), ["nexus_nats-data", "nexus_nexus-data"]);
  await up();
  const before = JSON.parse(published.text) as { readonly event_id: string };
  assert.equal((await call("GET", `/events/${before.event_id}`, TOKEN)).status, 200);
  const again = await call("GET", `/events/${before.event_id}/invocations`, TOKEN);
  assert.match(again.text, /"succeeded"/);

  await compose("down", "--volumes");
  assert.deepEqual(await names("volume"), []);
  assert.deepEqual(await names("network", "--filter=name=nexus"), []);
});

/** Resolves when both services run and nexus is ready. */
async function up(): Promise<void> {
  const ended = new AbortController();
  const checked = checkHealth(ended.signal);
  try {
    await compose("up", "--detach", "--no-build", "--pull=never");
  } finally {
    ended.abort();
    await checked;
  }
  await until(
    () => call("GET", "/readyz"),
    ({ status }) => status === 200,
  );
}

// podman leaves health checks to systemd's timers, an engine makes them itself.
async function checkHealth(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await store.podman("healthcheck", "run", "nexus-nats-1").catch(() => undefined);
    await pause(100, undefined, { signal }).catch(() => undefined);
  }
}

async function compose(...args: readonly string[]): Promise<void> {
  await store.run(
    "env",
    `DOCKER_HOST=${SOCKET}`,
    `NEXUS_IMAGE=${NEXUS_IMAGE}`,
    `NEXUS_API_TOKEN=${TOKEN}`,
    ...(await composeProgram()),
    "--project-directory",
    join(store.scratch, "project"),
    ...args,
  );
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const FETCH = `
  const [url, method, token] = process.argv.slice(1);
  const headers = { "content-type": "application/json", authorization: "Bearer " + token };
  const body = method === "POST" ? '{"name":"Ada"}' : undefined;
  const answer = await fetch(url, { method, headers, body }).catch(() => undefined);
  console.log(JSON.stringify({ status: answer?.status ?? 0, text: (await answer?.text()) ?? "" }));
`;

/** From the machine that Compose is on, through the port that it publishes; status 0 where nobody answers. */
async function call(method: string, path: string, token = ""): Promise<Answer> {
  const script = ["--input-type=module", "-e", FETCH];
  const text = await store.run(process.execPath, ...script, URL + path, method, token);
  return JSON.parse(text) as Answer;
}

async function names(what: string, ...args: readonly string[]): Promise<readonly string[]> {
  const list = what === "ps" ? ["ps"] : [what, "ls"];
  const format = what === "ps" ? "{{.Names}}" : "{{.Name}}";
  const text = await store.podman(...list, ...args, `--format=${format}`);
  return text.split("\n").filter(Boolean).sort();
}
