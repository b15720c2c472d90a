import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "@nexus-functions/server/testing/until";
import { loadImages, NATS_IMAGE, NEXUS_IMAGE } from "./testing/images.ts";
import { inRepository, overlayManifests, type Manifest } from "./testing/manifest.ts";
import { createSecrets, startPod } from "./testing/pods.ts";
import { openStore, type Store } from "./testing/store.ts";
import { workloads, type Container, type Workload } from "./testing/workload.ts";

const NATS_ADDRESS = "10.99.0.10";
const NEXUS_ADDRESS = "10.99.0.11";

// As k8s/README.md says to make it.
const TOKEN: Manifest = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "nexus-api-token" },
  stringData: { token: "0123456789abcdef".repeat(4) },
};

let store: Store;
let nats: Workload;
let nexus: Workload;
let natsContainer: string;
let nexusContainer: string;

before(async () => {
  store = await openStore();
  await loadImages(store, NATS_IMAGE, NEXUS_IMAGE);
  const manifests = [
    ...(await overlayManifests(inRepository("deploy/kustomize/single-node"))),
    TOKEN,
  ];
  nats = workloads(manifests).find(({ metadata }) => metadata.name === "nats")!;
  nexus = workloads(manifests).find(({ metadata }) => metadata.name === "nexus-functions")!;
  await store.podman("tag", NATS_IMAGE, imageOf(nats));
  await buildWithFunctions(imageOf(nexus));
  await createSecrets(store, manifests);
  await store.podman("network", "create", "--subnet=10.99.0.0/24", "cluster");
  const services = { "nats-service": NATS_ADDRESS };
  const started = (workload: Workload, address: string) =>
    startPod(store, workload, manifests, { network: "cluster", address, services });
  natsContainer = (await started(nats, NATS_ADDRESS)).get("nats")!;
  nexusContainer = (await started(nexus, NEXUS_ADDRESS)).get("nexus")!;
});

after(() => store[Symbol.asyncDispose]());

test("k8s: every probe of the pods comes to answer 200", async () => {
  for (const [workload, address] of [
    [nats, NATS_ADDRESS],
    [nexus, NEXUS_ADDRESS],
  ] as const) {
    for (const url of probeUrls(onlyContainer(workload), address)) {
      const status = await until(
        () => ask(url),
        (status) => status === 200,
      );
      assert.equal(status, 200, url);
    }
  }
});

test("k8s: the pods run as user 1000, read-only, without capabilities or new privileges, under seccomp and a limit of memory", async () => {
  for (const [container, memory] of [
    [natsContainer, 2 * 1024 ** 3],
    [nexusContainer, 1024 ** 3],
  ] as const) {
    const status = await store.podman("exec", container, "cat", "/proc/1/status");
    const value = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
    assert.equal(value("Uid"), "1000");
    assert.equal(value("Gid"), "1000");
    assert.equal(Number(`0x${value("CapEff")}`), 0);
    assert.equal(Number(`0x${value("CapBnd")}`), 0);
    assert.equal(value("NoNewPrivs"), "1");
    assert.equal(value("Seccomp"), "2");
    await assert.rejects(store.podman("exec", container, "touch", "/written"), /Read-only/);
    const [{ HostConfig: config }] = JSON.parse(await store.podman("inspect", container)) as [
      { readonly HostConfig: { readonly Memory: number } },
    ];
    assert.equal(config.Memory, memory);
  }
});

test("k8s: an event goes through both pods, and its record outlives the pod that ran it", async () => {
  assert.equal(await ask(`http://${NEXUS_ADDRESS}:8080/events`), 401);
  const published = await command(
    "publish",
    "com.example.greeting.requested",
    "--id=kept",
    '--data={"name":"Ada"}',
    "--wait=20s",
    "--json",
  );
  assert.match(published, /"succeeded"/);
  const ranBy = await recordOf("kept");
  assert.equal(ranBy.status, "succeeded");
  assert.match(JSON.stringify(ranBy.output), /Ada/);

  const grace = nexus.spec.template.spec.terminationGracePeriodSeconds!;
  await store.podman("stop", `--time=${grace}`, nexusContainer);
  assert.equal(await exitCode(nexusContainer), 0);
  await store.podman("start", nexusContainer);
  await until(
    () => ask(`http://${NEXUS_ADDRESS}:8080/readyz`),
    (status) => status === 200,
  );
  assert.deepEqual(await recordOf("kept"), ranBy);
});

test("k8s: NATS hears the command that precedes its stop, and ends in good order", async () => {
  const { lifecycle } = onlyContainer(nats) as unknown as {
    readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: string[] } } };
  };
  await store.podman("exec", natsContainer, ...lifecycle.preStop.exec.command);
  await until(async () => (await logOf(natsContainer)).includes("Entering lame duck mode"));
  const grace = nats.spec.template.spec.terminationGracePeriodSeconds!;
  await store.podman("stop", `--time=${grace}`, natsContainer);
  assert.equal(await exitCode(natsContainer), 0);
  assert.match(await logOf(natsContainer), /Server Exiting/);
});

interface InvocationRecord {
  readonly event_id: string;
  readonly status: string;
  readonly output: unknown;
}

function onlyContainer({ spec }: Workload): Container {
  return spec.template.spec.containers[0]!;
}

function imageOf(workload: Workload): string {
  return (onlyContainer(workload) as unknown as { readonly image: string }).image;
}

/** An image of one's own functions on top, as k8s/README.md shows it. */
async function buildWithFunctions(name: string): Promise<void> {
  const folder = join(store.scratch, "functions");
  await mkdir(join(folder, "build"), { recursive: true });
  await copyFile(inRepository("examples/hello/build/hello.wasm"), join(folder, "build/hello.wasm"));
  await writeFile(
    join(folder, "build/hello.yaml"),
    "on: { event: com.example.greeting.requested }\ntimeout: 5s\n",
  );
  await writeFile(
    join(folder, "Dockerfile"),
    `FROM ${NEXUS_IMAGE}\nCOPY build/*.wasm build/*.yaml /app/functions/\n`,
  );
  await store.podman("build", "--isolation=chroot", "--pull=never", "-t", name, folder);
}

function probeUrls(container: Container, address: string): readonly string[] {
  const { startupProbe, livenessProbe, readinessProbe, ports = [] } = container;
  return [startupProbe, livenessProbe, readinessProbe].map((probe) => {
    const { path, port } = probe!.httpGet as { readonly path: string; readonly port: string };
    const number = ports.find(({ name }) => name === port)!.containerPort;
    return `http://${address}:${number}${path}`;
  });
}

/** The status of a GET from beside the pods, as from a node; 0 where nobody answers. */
async function ask(url: string): Promise<number> {
  const script = `fetch(process.argv[1]).then(({ status }) => console.log(status), () => console.log(0))`;
  return Number(await store.run(process.execPath, "-e", script, url));
}

function command(...args: readonly string[]): Promise<string> {
  return store.podman("exec", nexusContainer, "nexus", ...args);
}

async function recordOf(eventId: string): Promise<InvocationRecord> {
  const text = await command("invocations", "--all", "--json");
  const { invocations } = JSON.parse(text) as { readonly invocations: readonly InvocationRecord[] };
  const found = invocations.filter(({ event_id }) => event_id === eventId);
  assert.equal(found.length, 1);
  return found[0]!;
}

async function logOf(container: string): Promise<string> {
  const path = await store.podman("inspect", "--format={{.HostConfig.LogConfig.Path}}", container);
  return readFile(path.trim(), "utf8");
}

async function exitCode(container: string): Promise<number> {
  return Number(await store.podman("inspect", "--format={{.State.ExitCode}}", container));
}
