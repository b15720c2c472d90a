// What docs/DEPLOYMENT.md promises of blue-green: two sets of nodes on one NATS, told apart by their prefix alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startNats } from "@nexus-functions/server/testing/nats";
import { startNode, type TestNode } from "@nexus-functions/server/testing/nodes";
import { inRepository, overlayManifests } from "./manifest.ts";
import { workloads } from "./workload.ts";

interface Run {
  readonly function: string;
  readonly output: string;
}

test("blue-green: green's functions serve green's events only, and a duplicate of the one log is new to the other", async () => {
  const prefix = await prefixOfGreen();
  await using nats = await startNats();
  await using blue = await startNode({ config: greeting("Hello"), nats: nats.url });
  await using green = await startNode({
    config: greeting("Good morning"),
    nats: nats.url,
    env: { NEXUS_NATS_PREFIX: prefix },
  });

  assert.deepEqual(await publish(blue), { status: "accepted", said: "Hello, Ada!" });
  assert.deepEqual(await publish(green), { status: "accepted", said: "Good morning, Ada!" });
  assert.equal((await publish(blue)).status, "duplicate");

  // Blue still serves its own, a new node of it too, and has heard of nothing else.
  await using another = await startNode({ config: greeting("Hello"), nats: nats.url });
  for (const node of [blue, another]) {
    const all = await node.all<Run>("/invocations", "invocations");
    assert.deepEqual(
      all.map(({ output }) => output),
      ['{"greeting":"Hello, Ada!"}'],
    );
  }
});

async function prefixOfGreen(): Promise<string> {
  const overlay = await overlayManifests(inRepository("deploy/kustomize/blue-green"));
  const [green] = workloads(overlay);
  const env = green!.spec.template.spec.containers[0]!.env!;
  return env.find(({ name }) => name === "NEXUS_NATS_PREFIX")!.value!;
}

function greeting(word: string): string {
  return `version: v1
nats: { project: nexus-functions }
functions:
  - name: hello
    on: { event: com.example.greeting.requested }
    code: ${inRepository("examples/hello/build/hello.wasm")}
    env: { GREETING: ${word} }
`;
}

async function publish(
  node: TestNode,
): Promise<{ readonly status: string; readonly said: string | undefined }> {
  const event = {
    specversion: "1.0",
    id: "A-1",
    source: "/shop",
    type: "com.example.greeting.requested",
    data: { name: "Ada" },
  };
  const { body } = await node.post<{ status: string; invocations?: readonly Run[] }>(
    "/events?wait=20s",
    event,
    { "content-type": "application/cloudevents+json" },
  );
  const [run] = body.invocations ?? [];
  return {
    status: body.status,
    said: run && (JSON.parse(run.output) as { readonly greeting: string }).greeting,
  };
}
