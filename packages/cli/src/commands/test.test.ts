// Past runs as tests: made of a real server's runs, run on builds that differ.
import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Accepted } from "@nexus-functions/client/api.gen";
import type { Fixture } from "../fixture/fixture.ts";
import type { FixtureResult } from "../fixture/suite.ts";
import { FIXTURES, nexus, temporaryFolder, type Folder } from "../testing/nexus.ts";
import { writeProject } from "../testing/project.ts";
import { devServer } from "../testing/server.ts";

const TIMEOUT = { timeout: 60_000 };

const price = (version: "v1" | "v2"): string => `  - name: price
    on: { event: order.* }
    code: "${FIXTURES}price-${version}.wasm"
    retry: { attempts: 1 }
    redact: [data.card, output.receipt]
`;

/** What price-v2 does otherwise than price-v1 is said in price-v1.c. */
const AMOUNTS = { same: 10, nowPasses: -1, nowTraps: 0, nowEmits: 60, nowTaxed: 95 };

const SECRET = "4111-1111";

/** A fixture for each amount, by its name, as \`nexus fixture\` made it. */
let made: Folder;

before(async () => {
  made = await temporaryFolder();
  await using server = await devServer(price("v1"));
  for (const [name, amount] of Object.entries(AMOUNTS)) {
    const answer = await fetch(`${server.url}/events/order.placed?wait=20s`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ amount, card: SECRET, big: 1 }).replace('"big":1', '"big":1.50'),
    });
    const { id } = ((await answer.json()) as Accepted).invocations![0]!;
    const file = join(made.path, `${name}.fixture.json`);
    const { code, stderr } = await nexus(["fixture", id, "-o", file, "--url", server.url]);
    assert.deepEqual([code, stderr], [0, "Replaced in it: data.card, output.receipt.\n"]);
  }
}, TIMEOUT);

after(() => made[Symbol.asyncDispose]());

/** A project on this build, with those fixtures where `nexus test` looks for them. */
async function project(version: "v1" | "v2", names = Object.keys(AMOUNTS)): Promise<Folder> {
  const folder = await temporaryFolder();
  await writeProject(folder.path, price(version));
  const dir = join(folder.path, "tests/fixtures");
  await mkdir(dir, { recursive: true });
  for (const name of names) {
    await copyFile(join(made.path, `${name}.fixture.json`), join(dir, `${name}.fixture.json`));
  }
  return folder;
}

async function fixtureIn(folder: string, name: string): Promise<Fixture> {
  return JSON.parse(await readFile(join(folder, `${name}.fixture.json`), "utf8")) as Fixture;
}

test(
  "nexus fixture writes what a run was given and came to, for people to read, without what redact: names",
  TIMEOUT,
  async () => {
    for (const name of Object.keys(AMOUNTS)) {
      const text = await readFile(join(made.path, `${name}.fixture.json`), "utf8");
      assert.ok(!text.includes(SECRET));
      assert.match(
        text,
        /\n {6}"data": \{\n {8}"amount": -?\d+,\n {8}"card": "redacted-1",\n {8}"big": 1\.50\n/,
      );
    }
    const { expected, redacted, given } = await fixtureIn(made.path, "same");
    assert.deepEqual(redacted, ["data.card", "output.receipt"]);
    assert.equal(expected.status, "succeeded");
    const output = (expected.output as { json: { total: number; receipt: number } }).json;
    assert.deepEqual([output.total, output.receipt], [12, 0]);
    assert.match(JSON.stringify(expected.logs), /^\["priced at \d+"\]$/);
    assert.ok(Buffer.from(given.tape, "base64").length > 9);
    const failed = (await fixtureIn(made.path, "nowPasses")).expected;
    assert.deepEqual([failed.status, failed.exit_code], ["failed", 3]);
    assert.equal(failed.error?.code, "FUNCTION_FAILED");
  },
);

test(
  "nexus test runs fixtures on the build that they were made of, and nothing differs",
  TIMEOUT,
  async () => {
    await using folder = await project("v1");
    const { code, stdout, stderr } = await nexus(["test"], { cwd: folder.path });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^✓ {2}tests\/fixtures\/nowEmits\.fixture\.json {2}price {2}[\d.]+ ms\n/);
    assert.match(stdout, /\n\n5 fixtures: 5 same\n$/);
  },
);

test("nexus test shows what a build does otherwise, and exits with 1", TIMEOUT, async () => {
  await using folder = await project("v2");
  const { code, stdout, stderr } = await nexus(["test"], { cwd: folder.path });
  assert.equal(code, 1);
  assert.equal(stderr, "`nexus test --update` accepts what differs.\n");
  assert.match(stdout, /\n✓ {2}tests\/fixtures\/same\.fixture\.json/);
  assert.match(
    stdout,
    /✗ {2}tests\/fixtures\/nowTaxed\.fixture\.json[^✓✗]*- +"total": 114,?\n +\+ +"total": 133,?\n/,
  );
  assert.match(
    stdout,
    /✗ {2}tests\/fixtures\/nowEmits\.fixture\.json[^✓✗]*\+ emit com\.example\.large\n/,
  );
  assert.match(stdout, /✗ {2}tests\/fixtures\/nowTraps\.fixture\.json[^✓✗]*\+ status trapped\n/);
  assert.match(stdout, /✗ {2}tests\/fixtures\/nowPasses\.fixture\.json[^✓✗]*\+ status succeeded\n/);
  assert.match(stdout, /\n\n5 fixtures: 1 same, 4 differ\n$/);
  const json = await nexus(["test", "--json"], { cwd: folder.path });
  const { fixtures } = JSON.parse(json.stdout) as { fixtures: FixtureResult[] };
  const taxed = fixtures.find(({ file }) => file.endsWith("nowTaxed.fixture.json"))!;
  assert.equal(taxed.status, "differs");
  assert.deepEqual(taxed.changes.map(({ aspect, what }) => [aspect, what]).slice(0, 1), [
    ["output", "$.total"],
  ]);
});

test("nexus test --update accepts what differs, and nothing else", TIMEOUT, async () => {
  await using folder = await project("v2");
  const dir = join(folder.path, "tests/fixtures");
  const before = await readFile(join(dir, "same.fixture.json"), "utf8");
  const given = (await fixtureIn(dir, "nowEmits")).given;
  const updated = await nexus(["test", "--update"], { cwd: folder.path });
  assert.equal(updated.code, 0);
  assert.match(updated.stdout, /\n\n5 fixtures: 1 same, 4 updated\n$/);
  assert.equal(await readFile(join(dir, "same.fixture.json"), "utf8"), before);
  const emits = await fixtureIn(dir, "nowEmits");
  assert.deepEqual(emits.given, given);
  assert.deepEqual(emits.expected.effects, [
    {
      kind: "emit",
      summary: "com.example.large",
      content: { json: { type: "com.example.large", data: 60 } },
    },
  ]);
  const again = await nexus(["test"], { cwd: folder.path });
  assert.deepEqual([again.code, again.stdout.endsWith("5 fixtures: 5 same\n")], [0, true]);
});

test("nexus test --junit writes a case for each fixture, with what differs", TIMEOUT, async () => {
  await using folder = await project("v2");
  const { code } = await nexus(["test", "--junit", "report.xml"], { cwd: folder.path });
  assert.equal(code, 1);
  const xml = await readFile(join(folder.path, "report.xml"), "utf8");
  assert.match(xml, /<testsuite name="tests\/fixtures" tests="5" failures="4" errors="0"/);
  assert.match(
    xml,
    /<testcase name="tests\/fixtures\/same\.fixture\.json" classname="price"[^>]*\/>/,
  );
  assert.match(xml, /<failure message="[^"]*total[^"]*">[^<]*133/);
});

test("nexus test says what could not be run, and goes on with the others", TIMEOUT, async () => {
  await using folder = await project("v1", ["same", "nowTaxed"]);
  const dir = join(folder.path, "tests/fixtures");
  const good = await fixtureIn(dir, "same");
  await writeFile(join(dir, "a.fixture.json"), "{");
  await writeFile(join(dir, "b.fixture.json"), '{"nexus_fixture":2}');
  await writeFile(join(dir, "c.fixture.json"), JSON.stringify({ ...good, function: "gone" }));
  await writeFile(join(dir, "d.fixture.json"), JSON.stringify({ ...good, expected: {} }));
  await writeFile(join(dir, "e.json"), "no fixture by its name");
  const { code, stdout } = await nexus(["test"], { cwd: folder.path });
  assert.equal(code, 1);
  assert.match(stdout, /✗ {2}\S+\/a\.fixture\.json\n {4}Cannot read fixture ".*": it is not JSON/);
  assert.match(
    stdout,
    /b\.fixture\.json\n {4}Cannot .*: its format is 2, and this release knows 1\n/,
  );
  assert.match(
    stdout,
    /c\.fixture\.json {2}gone\n {4}Cannot test function "gone": the project has none/,
  );
  assert.match(stdout, /d\.fixture\.json\n {4}Cannot .*: its "expected\.status" is no string\n/);
  assert.match(stdout, /\n\n6 fixtures: 2 same, 4 could not be run\n$/);
});

test(
  "nexus test says that a run has failed whose events the platform does not take",
  TIMEOUT,
  async () => {
    const emits = (event: string): string => `  - name: emits
    on: { event: order.* }
    code: "{probe}"
    retry: { attempts: 1 }
    output: events
    env: { OUTPUT: '${event}' }
`;
    await using server = await devServer(emits('{"type":"com.example.made","data":1}'));
    const url = `${server.url}/events/order.placed?wait=20s`;
    const answer = (await (await fetch(url, { method: "POST", body: "1" })).json()) as Accepted;
    const { id } = answer.invocations![0]!;
    await nexus(["fixture", id, "--url", server.url], { cwd: server.dir });
    const same = await nexus(["test"], { cwd: server.dir });
    assert.deepEqual([same.code, same.stderr], [0, ""]);
    await writeProject(server.dir, emits("no event"));
    const { code, stdout } = await nexus(["test"], { cwd: server.dir });
    assert.equal(code, 1);
    assert.match(stdout, /- status succeeded\n +\+ status failed\n/);
    assert.match(stdout, /\+ error FUNCTION_OUTPUT_INVALID/);
  },
);

test("nexus test of nothing is no success", TIMEOUT, async () => {
  await using folder = await project("v1", []);
  const empty = await nexus(["test"], { cwd: folder.path });
  assert.equal(empty.code, 1);
  assert.match(
    empty.stderr,
    /^nexus: cannot test anything: there is no fixture in "tests\/fixtures"\n/,
  );
  const missing = await nexus(["test", "nowhere"], { cwd: folder.path });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /cannot read fixtures in "nowhere": it does not exist/);
});

test(
  "nexus fixture puts a recording in a file into tests/fixtures, under a name of its own",
  TIMEOUT,
  async () => {
    await using server = await devServer(price("v1").replace(/ {4}redact.*\n/, ""));
    const answer = await fetch(`${server.url}/events/order.placed?wait=20s`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"amount":7}',
    });
    const { id } = ((await answer.json()) as Accepted).invocations![0]!;
    const recording = join(server.dir, "x.nxr");
    await nexus(["recording", "export", id, "-o", recording, "--url", server.url]);
    const { code, stdout, stderr } = await nexus(["fixture", recording], { cwd: server.dir });
    assert.deepEqual([code, stderr], [0, ""]);
    const name = `price-${id.slice(-12)}.fixture.json`;
    assert.equal(stdout, `✓ tests/fixtures/${name}\n`);
    assert.deepEqual(await readdir(join(server.dir, "tests/fixtures")), [name]);
    const tested = await nexus(["test"], { cwd: server.dir });
    assert.deepEqual([tested.code, tested.stderr], [0, ""]);
  },
);
