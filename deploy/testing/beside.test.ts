// blue-green and canary are applied beside production: what holds is asked of the objects of both together.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { inRepository, overlayManifests, title, type Labels, type Manifest } from "./manifest.ts";
import { referenceProblems } from "./references.ts";
import { schemaCheck } from "./schema.ts";
import { podLabels, selects, workloads, type Workload } from "./workload.ts";

const CREDENTIALS = ["Secret nexus/nats-credentials"];
const check = schemaCheck();
const production = await overlay("production");

for (const name of ["blue-green", "canary"]) {
  test(`${name}: every object is one that Kubernetes 1.36 defines, with no unknown field`, async () => {
    assert.deepEqual((await overlay(name)).flatMap(check), []);
  });

  test(`${name}: every reference leads to something of its own or of production's, and nothing is there twice`, async () => {
    const both = [...production, ...(await overlay(name))];
    assert.deepEqual(referenceProblems(both, CREDENTIALS), []);
  });
}

test("blue-green: pods are production's but for their name, their configuration's and their log", async () => {
  const blue = deployment(production, "nexus-functions");
  const green = deployment(await overlay("blue-green"), "nexus-functions-green");
  const [ours] = green.spec.template.spec.containers;
  const prefix = ours!.env!.find(({ name }) => name === "NEXUS_NATS_PREFIX");
  assert.equal(prefix?.value, "nexus_green");
  const without = {
    ...green.spec.template.spec,
    containers: [{ ...ours, env: ours!.env!.filter((one) => one !== prefix) }],
  };
  const plain = (pod: unknown) =>
    JSON.stringify(pod)
      .replaceAll(/nexus-config[\w-]*/g, "nexus-config")
      .replaceAll("nexus-functions-green", "nexus-functions");
  assert.equal(plain(without), plain(blue.spec.template.spec));
});

test("blue-green: production's services take no green pod, and NATS lets green in", async () => {
  const overlaid = await overlay("blue-green");
  const green = podLabels(deployment(overlaid, "nexus-functions-green"));
  for (const { kind, spec } of production) {
    if (kind === "Service") assert.ok(!selects((spec as { selector: Labels }).selector, green));
  }
  const policy = overlaid.find(({ metadata }) => metadata.name === "nats-green")!;
  const { ingress } = policy.spec as {
    readonly ingress: readonly {
      readonly from: readonly { readonly podSelector: { readonly matchLabels: Labels } }[];
    }[];
  };
  const callers = ingress.flatMap(({ from }) => from);
  assert.ok(callers.some(({ podSelector }) => selects(podSelector.matchLabels, green)));
});

test("blue-green: the switch that DEPLOYMENT.md shows selects green's pods alone, and the way back blue's", async () => {
  const guide = await readFile(inRepository("docs/DEPLOYMENT.md"), "utf8");
  const patches = [...guide.matchAll(/patch service\/nexus-functions-service .*-p '(.*)'/g)];
  const both = [...production, ...(await overlay("blue-green"))];
  const service = production.find(({ metadata }) => metadata.name === "nexus-functions-service")!;
  const { selector } = service.spec as { readonly selector: Labels };
  const chosen = patches.map(([, patch]) => {
    const { spec } = JSON.parse(patch!) as { readonly spec: { readonly selector: Labels } };
    const merged = { ...selector, ...spec.selector };
    const pods = workloads(both).filter((one) => selects(merged, podLabels(one)));
    return pods.map(({ metadata }) => metadata.name);
  });
  assert.deepEqual(chosen, [["nexus-functions-green"], ["nexus-functions"]]);
});

test("canary: its ingress has the class, hosts and paths of production's, and green behind them", async () => {
  const main = ingress(production);
  const canary = ingress(await overlay("canary"));
  const { tls: _, ...wanted } = main.spec as { readonly tls: unknown };
  const plain = JSON.stringify(wanted).replaceAll(
    '"nexus-functions-service"',
    '"nexus-functions-service-green"',
  );
  assert.deepEqual(canary.spec, JSON.parse(plain));
  assert.equal(canary.metadata.annotations?.["nginx.ingress.kubernetes.io/canary"], "true");
});

test("canary: it is green and one ingress", async () => {
  const [green, canary] = [await overlay("blue-green"), await overlay("canary")];
  assert.deepEqual(
    canary.map(title).filter((one) => !green.map(title).includes(one)),
    ["Ingress nexus/nexus-functions-canary"],
  );
  assert.equal(canary.length, green.length + 1);
});

function overlay(name: string): Promise<Manifest[]> {
  return overlayManifests(inRepository(`deploy/kustomize/${name}`));
}

function deployment(manifests: readonly Manifest[], name: string): Workload {
  return workloads(manifests).find(({ metadata }) => metadata.name === name)!;
}

function ingress(manifests: readonly Manifest[]): Manifest {
  return manifests.find(({ kind }) => kind === "Ingress")!;
}
