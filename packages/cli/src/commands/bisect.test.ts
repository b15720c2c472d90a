// `nexus bisect`: real processes, against a real server whose project changes under it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXTURES, nexus } from "../testing/nexus.ts";
import { writeProject } from "../testing/project.ts";
import { devServer } from "../testing/server.ts";

const TIMEOUT = { timeout: 60_000 };

const price = (module: 1 | 2, side: number): string => `  - name: price
    on: { event: order.* }
    code: ${FIXTURES}price-v${module}.wasm
    env: { SIDE: "${side}" }
    retry: { attempts: 1 }
`;

test("nexus bisect finds the version that changed what a run does", TIMEOUT, async () => {
  await using server = await devServer(price(1, 0));
  const run = (...args: string[]) => nexus(args, { env: { NEXUS_URL: server.url } });
  const served = async (): Promise<string> => {
    const response = await fetch(`${server.url}/functions/price`);
    return ((await response.json()) as { version: string }).version;
  };
  const order = '{"amount":100}';
  const published = await run(
    "publish",
    "order.placed",
    "--data",
    order,
    "--wait",
    "20s",
    "--json",
  );
  const { event_id: event } = JSON.parse(published.stdout) as { event_id: string };
  const versions = [await served()];
  for (const [index, module] of ([1, 1, 2, 2, 2] as const).entries()) {
    await writeProject(server.dir, price(module, index + 1));
    let version = versions.at(-1);
    while (version === versions.at(-1)) version = await served();
    versions.push(version!);
  }
  const bisect = (good: number, bad: number, ...more: string[]) =>
    run("bisect", event, "--good", versions[good]!, "--bad", versions[bad]!.slice(0, 12), ...more);

  const { code, stdout, stderr } = await bisect(0, 5);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(stdout.includes(`\n● ${versions[3]} is the first that does otherwise.\n`), stdout);
  const told = JSON.parse((await bisect(1, 4, "--json")).stdout) as {
    first_bad: { version: string };
    last_good: { version: string };
  };
  assert.equal(told.first_bad.version, versions[3]);
  assert.equal(told.last_good.version, versions[2]);
  const same = await bisect(3, 5);
  assert.equal(same.code, 1);
  assert.match(same.stderr, /both versions do the same/);
  const reversed = await bisect(5, 0);
  assert.equal(reversed.code, 2);
  assert.match(reversed.stderr, /must be older than the bad one/);
});
