import assert from "node:assert/strict";
import { test } from "node:test";
import { testApp, type TestApp } from "../testing/http-app.ts";

const FIXTURES = `${import.meta.dirname}/../../fixtures`;

const config = (version: 1 | 2, more = ""): string => `version: v1
functions:
  - name: price
    on: { event: order.* }
    code: ${FIXTURES}/price-v${version}.wasm
    retry: { attempts: 1 }
    ${more}
`;

/** Publishes an order; the record of its run. */
// oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects, and fails if it is not there
async function ordered(app: TestApp, amount: number): Promise<any> {
  const { json } = await app.ask("POST", "/events/order.placed?wait=20s", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ amount }),
  });
  return json.invocations[0];
}

const against = (app: TestApp, id: string, query: string) =>
  app.ask("POST", `/invocations/${id}/replay?${query}`);

test("POST /invocations/{id}/replay on another version gives it what the run was given, and says what differs", async () => {
  await using app = await testApp(config(1));
  const before = [];
  for (const amount of [20, 100, 60, 0, -5]) before.push(await ordered(app, amount));
  await app.deploy(config(2));
  const { version } = await ordered(app, 20);
  const { events } = (await app.ask("GET", "/events")).json;
  const replayed = [];
  for (const { id } of before) replayed.push((await against(app, id, `against=${version}`)).json);
  assert.deepEqual(
    replayed.map(({ differs }) => differs),
    [
      [],
      ["output", "effects"],
      ["effects"],
      ["status", "exit_code", "output", "logs"],
      ["status", "exit_code", "output", "logs"],
    ],
  );
  assert.deepEqual(
    replayed.map(({ replayed }) => replayed.status),
    ["succeeded", "succeeded", "succeeded", "trapped", "succeeded"],
  );
  const [same, changed] = replayed;
  assert.equal(same.version, version);
  assert.equal(same.identical, true);
  assert.equal(same.replayed.output, before[0].output, "the same time, and the same chance");
  const [was, is] = [JSON.parse(before[1].output), JSON.parse(changed.replayed.output)];
  assert.deepEqual(is, { ...was, total: 140 });
  assert.deepEqual((await app.ask("GET", "/events")).json.events, events, "nothing is emitted");
});

test("POST /invocations/{id}/replay on another version does the same each time", async () => {
  await using app = await testApp(config(1));
  const { id } = await ordered(app, 100);
  await app.deploy(config(2));
  const { version } = await ordered(app, 20);
  const [one, two] = [
    await against(app, id, `against=${version}`),
    await against(app, id, `against=${version.slice(0, 8)}`),
  ];
  assert.deepEqual(one.json.hashes, two.json.hashes);
});

test("POST /invocations/{id}/replay on its own version as a candidate is identical", async () => {
  await using app = await testApp(config(1, "env: { SIDE: one }"));
  for (const amount of [20, 100, 0, -5]) {
    const { id, version } = await ordered(app, amount);
    const { json } = await against(app, id, `against=${version}`);
    assert.equal(json.identical, true, JSON.stringify(json.differs));
  }
});

test("POST /invocations/{id}/replay refuses a version that it does not have, and says why", async () => {
  await using app = await testApp(config(1));
  const { id, version } = await ordered(app, 20);
  const refused = async (query: string) => (await against(app, id, query)).json.code;
  assert.equal(await refused(`against=${"0".repeat(64)}`), "VERSION_NOT_FOUND");
  assert.equal(await refused("against=v2"), "REQUEST_INVALID");
  assert.equal(await refused(`module=${"0".repeat(64)}`), "VERSION_NOT_FOUND");
  assert.equal(await refused(`against=${version}&module=${"0".repeat(64)}`), "REQUEST_INVALID");
});
