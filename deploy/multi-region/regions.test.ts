// Two regions as docs/DEPLOYMENT.md sets them up: two real nats-servers with its files, a nexus on each.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startNode, type TestNode } from "@nexus-functions/server/testing/nodes";
import { quietPorts } from "@nexus-functions/server/testing/ports";
import { temporaryFolder } from "@nexus-functions/server/testing/folder";
import { until } from "@nexus-functions/server/testing/until";
import { inRepository } from "../testing/manifest.ts";
import { region, type Region } from "./region.ts";

const run = promisify(execFile);
const HELLO = inRepository("examples/hello/build/hello.wasm");
const CONFIG = `version: v1
functions:
  - name: hello
    on: { event: com.example.* }
    code: ${HELLO}
  - name: ticking
    on: { cron: "* * * * * *" }
    code: ${HELLO}
`;

interface Event {
  readonly id: string;
  readonly type: string;
}

interface Run {
  readonly function: string;
}

test("two regions: each gets the other's events once, also those of an outage, and a copy outlives a region", async () => {
  const [euPort, usPort, leafPort] = await quietPorts(3);
  await using folder = await temporaryFolder();
  await using eu = await region({ folder, name: "eu", port: euPort!, leafPort: leafPort! });
  await using us = await region({ folder, name: "us", port: usPort!, leafPort: leafPort! });
  await using inEu = await startNode({
    config: CONFIG,
    nats: eu.url,
    env: { NEXUS_NATS_PREFIX: "nexus_eu" },
  });
  await using inUs = await startNode({
    config: CONFIG,
    nats: us.url,
    env: { NEXUS_NATS_PREFIX: "nexus_us" },
  });
  await link(us, ["--here", "nexus_us", "--from", "nexus_eu", "--domain", "eu", "--copy"]);
  await link(eu, [
    "--here",
    "nexus_eu",
    "--from",
    "nexus_us",
    "--domain",
    "us",
    "--types",
    "com.example.>",
  ]);

  const ids = [await publish(inEu), await publish(inUs)];
  for (const node of [inEu, inUs]) await until(async () => sameAs(await ours(node), ids));
  // What came from eu goes back there, where it is known, and no further.
  for (const at of [eu, us])
    await until(async () => (await stream(at, `NEXUS_${at.name}_INBOX`)).state.messages === 0);
  for (const node of [inEu, inUs]) await until(async () => (await runs(node)).length === 2);

  await us.kill();
  ids.push(await publish(inEu));
  await us.start();
  await inUs.until("/readyz", ({ status }) => status === 200);
  await until(async () => sameAs(await ours(inUs), ids));
  assert.deepEqual(
    [await runs(inEu), await runs(inUs)].map((all) => all.length),
    [3, 3],
  );

  // A node that starts brings the inbox to its settings, and leaves the feed as it is.
  await using another = await startNode({
    config: CONFIG,
    nats: us.url,
    env: { NEXUS_NATS_PREFIX: "nexus_us" },
  });
  assert.equal(sameAs(await ours(another), ids), true);
  assert.equal((await stream(us, "NEXUS_US_INBOX")).config.sources?.length, 1);

  const kept = await inEu.all<Event>("/events", "events");
  await until(async () => (await stream(us, "NEXUS_EU_EVENTS")).state.messages >= kept.length);
  await inEu.kill();
  await eu.kill();
  const archive = join(folder.path, "eu.nexus");
  await nexus(["export", archive], { NATS_URL: us.url, NEXUS_NATS_PREFIX: "nexus_eu" });
  await nexus(
    ["import", archive, "--driver", "embedded", "--data-dir", join(folder.path, "eu-data")],
    {},
  );
  await using again = await startNode({
    config: CONFIG,
    nats: "",
    env: { NEXUS_DATA_DIR: join(folder.path, "eu-data") },
  });
  const restored = (await again.all<Event>("/events", "events")).map(({ id }) => id);
  for (const { id } of kept) assert.ok(restored.includes(id), id);
  assert.ok((await runs(again)).length >= 3);
  ids.push(await publish(inUs)); // the other region goes on
  await until(async () => (await runs(inUs)).length >= ids.length);
  assert.equal((await runs(inUs)).length, ids.length);
  await link(us, ["--here", "nexus_us", "--from", "nexus_eu", "--domain", "eu", "--unlink"]);
  assert.deepEqual((await stream(us, "NEXUS_US_INBOX")).config.sources ?? [], []);
});

async function publish(node: TestNode): Promise<string> {
  const data = { name: "Ada" };
  const { body } = await node.post<{ event_id: string }>("/events/com.example.greeting", data);
  return body.event_id;
}

/** Without ticks, which each region has of its own. */
async function ours(node: TestNode): Promise<readonly Event[]> {
  const events = await node.all<Event>("/events", "events");
  return events.filter(({ type }) => type === "com.example.greeting");
}

async function runs(node: TestNode): Promise<readonly Run[]> {
  const all = await node.all<Run>("/invocations", "invocations");
  return all.filter((run) => run.function === "hello");
}

function sameAs(events: readonly Event[], ids: readonly string[]): boolean {
  return (
    events
      .map(({ id }) => id)
      .sort()
      .join() === [...ids].sort().join()
  );
}

async function link(at: Region, args: readonly string[]): Promise<void> {
  await run(process.execPath, [
    inRepository("deploy/multi-region/link.ts"),
    "--nats",
    at.url,
    ...args,
  ]);
}

async function nexus(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await run(process.execPath, [inRepository("packages/cli/bin/nexus.js"), ...args], {
    env: { ...process.env, ...env },
  });
}

async function stream({ url }: Region, name: string): Promise<StreamInfo> {
  const connection = await connect({ servers: url });
  try {
    return await (await jetstreamManager(connection)).streams.info(name);
  } finally {
    await connection.close();
  }
}
