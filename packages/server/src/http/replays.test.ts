import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fixture, loopModule } from "../testing/modules.ts";
import { testApp, type Answer, type TestApp } from "../testing/http-app.ts";
import { until } from "../testing/until.ts";

const FIXTURES = `${import.meta.dirname}/../../fixtures`;

const config = (version: 1 | 2, more = ""): string => `version: v1
functions:
  - name: price
    on: { event: order.* }
    code: ${FIXTURES}/price-v${version}.wasm
    retry: { attempts: 2, backoff: 1ms }
    ${more}
  - name: chance
    on: { event: dice.* }
    code: ${FIXTURES}/chance.wasm
`;

// oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects, and fails if it is not there
type Json = any;

/** Publishes orders; what `?wait=` answers, of each. */
async function ordered(app: TestApp, amounts: readonly number[], type = "placed"): Promise<Json[]> {
  const answers: Json[] = [];
  for (const amount of amounts) {
    const { json } = await app.ask("POST", `/events/order.${type}?wait=20s`, {
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ amount }),
    });
    answers.push(json);
  }
  return answers;
}

const create = (app: TestApp, request: object): Promise<Answer> =>
  app.ask("POST", "/replays", { body: JSON.stringify({ function: "price", ...request }) });

async function ended(app: TestApp, id: string): Promise<Json> {
  return until(async () => {
    const { json } = await app.ask("GET", `/replays/${id}`);
    return json.ended_at === null ? undefined : json;
  });
}

/** Creates a replay and waits for its end. */
async function replayed(app: TestApp, request: object): Promise<Json> {
  const { status, json, text } = await create(app, request);
  assert.equal(status, 201, text);
  return ended(app, json.id);
}

const served = async (app: TestApp): Promise<string> =>
  (await app.ask("GET", "/functions")).json.functions.find(
    ({ name }: { name: string }) => name === "price",
  ).version;

/** The second version, and the name of it; the first one is in service again. */
async function secondVersion(app: TestApp): Promise<string> {
  await app.deploy(config(2));
  const version = await served(app);
  await app.deploy(config(1));
  return version;
}

const AMOUNTS = [20, 100, 60, 0, -5, 21, 101, 22];
const COUNTS = { newly_failing: 1, diverged: 0, changed: 3, newly_passing: 1, same: 3, skipped: 0 };

test("POST /replays makes past runs again on another version, and reports what differs, by shape", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  const { events } = (await app.ask("GET", "/events")).json;
  const before = (await app.ask("GET", "/invocations")).json.invocations;
  const job = await replayed(app, { against: { version: await secondVersion(app) } });
  assert.equal(job.state, "done");
  assert.equal(job.error, null);
  assert.deepEqual([job.chosen, job.done], [AMOUNTS.length, AMOUNTS.length]);
  assert.deepEqual(job.counts, COUNTS);
  const { groups, compared, skipped } = job.report;
  assert.equal(compared, AMOUNTS.length);
  assert.deepEqual(skipped, []);
  const shapes = groups.map(({ verdict, count, changes }: Json) => [
    verdict,
    count,
    changes.map(({ aspect, change }: Json) => `${aspect} ${change}`),
  ]);
  assert.deepEqual(
    shapes.find(([verdict, count]: Json) => verdict === "changed" && count === 2),
    ["changed", 2, ["output changed", "effect added"]],
  );
  assert.equal(groups.length, 4);
  const large = groups.find(({ count }: Json) => count === 2);
  assert.match(JSON.stringify(large.changes), /total/);
  const [{ lines }] = large.examples[0].diff;
  assert.deepEqual(
    lines.filter((line: string) => /^[-+]/.test(line)),
    ['-  "total": 120', '+  "total": 140'],
  );
  assert.deepEqual((await app.ask("GET", "/events")).json.events, events, "nothing is emitted");
  const after = (await app.ask("GET", "/invocations")).json.invocations;
  assert.deepEqual(after, before, "nothing is recorded");
});

test("POST /replays makes the runs again in the order of their events, however many at a time", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  const against = { version: await secondVersion(app) };
  const [one, many] = [
    await replayed(app, { against }),
    await replayed(app, { against, concurrency: 8 }),
  ];
  const shown = ({ report: { groups } }: Json) => groups;
  assert.deepEqual(shown(many), shown(one));
  for (const { examples } of shown(one)) {
    const positions = examples.map(({ position }: Json) => position);
    assert.deepEqual(
      positions,
      positions.toSorted((a: number, b: number) => a - b),
    );
  }
});

test("POST /replays makes runs again on a module that was sent, with each run's own settings", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  await app.deploy(config(1, "env: { SIDE: other }"));
  await ordered(app, [23]);
  const { status, json } = await app.ask("POST", "/replays/modules", {
    body: await readFile(`${FIXTURES}/price-v2.wasm`),
  });
  assert.equal(status, 201);
  const job = await replayed(app, { against: json });
  assert.deepEqual(job.counts, { ...COUNTS, same: COUNTS.same + 1 });
  assert.equal((await app.ask("GET", "/functions")).json.functions.length, 2, "it serves nothing");
});

test("POST /replays on the version that the runs were recorded on finds them all the same", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  const job = await replayed(app, { against: { version: await served(app) } });
  assert.equal(job.counts.same, AMOUNTS.length);
  assert.deepEqual(job.report.groups, []);
});

test("POST /replays chooses the last attempt of each delivery, and no replay", async () => {
  await using app = await testApp(config(1));
  const [{ event_id: id, invocations }] = await ordered(app, [-5]);
  assert.equal(invocations.length, 2, "it was tried twice");
  await app.ask("POST", `/replay/${id}`);
  const [letter] = (await app.ask("GET", "/dead-letters")).json.dead_letters;
  await app.ask("POST", `/dead-letters/${letter.id}/redrive`);
  const last = await until(async () => {
    const { json } = await app.ask("GET", `/events/${id}/invocations`);
    const own = json.invocations.filter(({ trigger }: Json) => trigger !== "replay");
    return own.length === 4 && own[3].delivery === "dead" ? own[3] : undefined;
  });
  const job = await replayed(app, { against: { version: await secondVersion(app) } });
  assert.equal(job.chosen, 1);
  assert.equal(job.report.groups[0].examples[0].invocation_id, last.id);
});

test("POST /replays chooses by type, status, events, time, sample and limit", async () => {
  await using app = await testApp(config(1));
  const first = await ordered(app, [20, 21, -5]);
  const { invocations } = (await app.ask("GET", "/invocations?function=price")).json;
  const newest = invocations[0].started_at;
  await until(() => Promise.resolve(Date.now() > Date.parse(newest) ? true : undefined));
  const later = await ordered(app, [22, 23], "changed");
  const against = { version: await secondVersion(app) };
  const chosen = async (request: object): Promise<number> =>
    (await replayed(app, { against, ...request })).chosen;
  assert.equal(await chosen({}), 5);
  assert.equal(await chosen({ type: "order.changed" }), 2);
  assert.equal(await chosen({ type: "order.*" }), 5);
  assert.equal(await chosen({ status: "failed" }), 1);
  assert.equal(await chosen({ event_ids: [first[0].event_id, later[1].event_id, "none"] }), 2);
  const moment = later[0].invocations[0].started_at;
  assert.equal(await chosen({ since: moment }), 2);
  assert.equal(await chosen({ until: moment }), 3);
  assert.equal(await chosen({ limit: 2 }), 2);
  assert.equal(await chosen({ sample: 1e-9 }), 0);
  assert.equal(await chosen({ function: "nobody", against: await sent(app) }), 0);
  assert.equal(await chosen({ sample: 0.5 }), await chosen({ sample: 0.5 }));
});

async function sent(app: TestApp): Promise<object> {
  const body = await fixture("price-v2");
  return (await app.ask("POST", "/replays/modules", { body })).json;
}

test("POST /replays with live runs the events again on the version in service, with records of their own", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  await app.deploy(config(2));
  const version = await served(app);
  const recorded = (await app.ask("GET", "/invocations?limit=100")).json.invocations;
  const preview = await app.ask("POST", "/replays/preview", {
    body: JSON.stringify({ function: "price", against: { live: true } }),
  });
  const emitted = recorded.reduce((sum: number, one: Json) => sum + one.emitted.length, 0);
  assert.deepEqual(preview.json, {
    chosen: AMOUNTS.length,
    effects: emitted === 0 ? [] : [{ kind: "emit", count: emitted }],
  });

  const job = await replayed(app, { against: { live: true } });
  assert.deepEqual([job.state, job.done], ["done", AMOUNTS.length]);
  assert.equal(job.counts.newly_failing, 1);
  assert.equal(job.counts.newly_passing, 1);
  assert.equal(job.counts.changed, AMOUNTS.length - 2, "each says when it ran");
  const { invocations } = (await app.ask("GET", "/invocations?limit=100")).json;
  const live = invocations.filter(({ trigger }: Json) => trigger === "replay");
  assert.equal(live.length, AMOUNTS.length);
  assert.equal(invocations.length, recorded.length + AMOUNTS.length);
  assert.deepEqual([...new Set(live.map((one: Json) => one.version))], [version]);

  const again = await replayed(app, { against: { live: true } });
  assert.equal(again.chosen, AMOUNTS.length, "replays are not replayed");
  const { status, json } = await create(app, { function: "nobody", against: { live: true } });
  assert.deepEqual([status, json.code], [404, "FUNCTION_NOT_FOUND"]);
});

test("POST /replays skips runs of which not all is known that they were given, and says so", async () => {
  await using app = await testApp(config(1));
  const { status } = await app.ask("POST", "/events/dice.thrown?wait=20s", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(`!${"y".repeat(8_000)}`),
  });
  assert.equal(status, 200);
  const { functions } = (await app.ask("GET", "/functions")).json;
  const { version } = functions.find(({ name }: Json) => name === "chance");
  const job = await replayed(app, { function: "chance", against: { version } });
  assert.deepEqual([job.counts.skipped, job.report.skipped[0].reason], [1, "not_hermetic"]);
});

test("POST /replays/{id}/cancel ends it, and keeps what was done until then", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  const against = { version: await secondVersion(app) };
  const { json: created } = await create(app, { against, rate: 2 });
  const { json: queued } = await create(app, { against });
  await until(async () => {
    const { json } = await app.ask("GET", `/replays/${created.id}`);
    return json.done > 0 ? true : undefined;
  });
  assert.equal((await app.ask("POST", `/replays/${queued.id}/cancel`)).json.state, "cancelled");
  assert.equal((await app.ask("POST", `/replays/${created.id}/cancel`)).status, 200);
  const job = await ended(app, created.id);
  assert.equal(job.state, "cancelled");
  assert.ok(job.done > 0 && job.done < AMOUNTS.length);
  assert.equal(job.report.compared, job.done);
  const again = await app.ask("POST", `/replays/${created.id}/cancel`);
  assert.equal(again.json.ended_at, job.ended_at, "it stays as it is");
  const { replays } = (await app.ask("GET", "/replays")).json;
  assert.deepEqual(
    replays.map(({ id }: Json) => id),
    [queued.id, created.id],
  );
});

test("POST /replays/{id}/cancel stops a candidate that never ends", async () => {
  await using app = await testApp(config(1));
  await ordered(app, [20]);
  const { json: module } = await app.ask("POST", "/replays/modules", { body: await loopModule() });
  const { json: created } = await create(app, { against: module });
  await until(async () => {
    const { json } = await app.ask("GET", `/replays/${created.id}`);
    return json.chosen === 1 ? true : undefined;
  });
  await app.ask("POST", `/replays/${created.id}/cancel`);
  const job = await ended(app, created.id);
  assert.deepEqual([job.state, job.done], ["cancelled", 0]);
});

test("GET /replays/{id}/progress tells of the job until it has ended", async () => {
  await using app = await testApp(config(1));
  await ordered(app, AMOUNTS);
  const against = { version: await secondVersion(app) };
  const { json: created } = await create(app, { against, rate: 20 });
  const { headers, text } = await app.ask("GET", `/replays/${created.id}/progress`);
  assert.equal(headers.get("content-type"), "text/event-stream");
  const jobs = [...text.matchAll(/^event: replay\ndata: (.*)$/gm)].map(([, data]) =>
    JSON.parse(data!),
  );
  const counts = jobs.map(({ done }) => done as number);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  );
  assert.ok(new Set(counts).size > 1, "it tells of it on the way");
  assert.equal(jobs.at(-1).state, "done");
  assert.deepEqual(jobs.at(-1).counts, COUNTS);
});

test("POST /replays refuses what it cannot do, and says why", async () => {
  await using app = await testApp(config(1));
  await ordered(app, [20]);
  const { functions } = (await app.ask("GET", "/functions")).json;
  const chance = functions.find(({ name }: Json) => name === "chance").version;
  const price = functions.find(({ name }: Json) => name === "price").version;
  const refused = async (request: object): Promise<string> => {
    const { json } = await create(app, request);
    return `${json.status} ${json.code}`;
  };
  assert.equal(await refused({}), "400 REQUEST_INVALID");
  assert.equal(await refused({ against: { version: price, more: 1 } }), "400 REQUEST_INVALID");
  assert.equal(await refused({ against: { version: chance } }), "400 REQUEST_INVALID");
  assert.equal(await refused({ against: { version: "0".repeat(64) } }), "404 VERSION_NOT_FOUND");
  const nowhere = { module_sha256: "0".repeat(64) };
  assert.equal(await refused({ against: nowhere }), "404 VERSION_NOT_FOUND");
  const against = { version: price };
  for (const wrong of [{ sample: 0 }, { sample: 2 }, { limit: 0 }, { concurrency: 0 }, { rate: 0 }])
    assert.equal(await refused({ against, ...wrong }), "400 REQUEST_INVALID");
  assert.equal(await refused({ against, since: "yesterday" }), "400 REQUEST_INVALID");
  const none = await app.ask("GET", "/replays/nothing");
  assert.equal(none.json.code, "REPLAY_NOT_FOUND");
  assert.equal((await app.ask("GET", "/replays/nothing/progress")).status, 404);
  assert.equal((await app.ask("POST", "/replays/nothing/cancel")).status, 404);
});

test("POST /replays/modules refuses what is no module, and POST /replays one that cannot run", async () => {
  await using app = await testApp(config(1));
  const keep = (body: Uint8Array | string) => app.ask("POST", "/replays/modules", { body });
  for (const wrong of ["", "no module", (await fixture("price-v2")).subarray(0, 1_000)])
    assert.equal((await keep(wrong)).json.code, "CANDIDATE_INVALID");
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const { json } = await keep(empty);
  const refused = (await create(app, { against: json })).json;
  assert.equal(refused.code, "CANDIDATE_INVALID");
  assert.match(refused.detail, /^Cannot run candidate of "price": /);
});

test("POST /replays answers host calls from the recordings, and tells effects that would be no more", async () => {
  await using app = await testApp(`version: v1
functions:
  - name: notes
    on: { event: note.* }
    code: ${FIXTURES}/effects.wasm
    kv: true
    secrets: [TOKEN]
    fetch: { allow: [127.0.0.1] }
`);
  const { functions } = (await app.ask("GET", "/functions")).json;
  const [{ version }] = functions;
  const noted = (what: string): Promise<Answer> =>
    app.ask("POST", "/events/note.taken?wait=20s", {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(`!${what}`),
    });
  await noted("get a;new a 1;cas a 2;get a;list ");
  await noted("get a;set a 3");
  const again = await replayed(app, { function: "notes", against: { version } });
  assert.deepEqual([again.counts.same, again.chosen], [2, 2], JSON.stringify(again.report.groups));
  const body = await fixture("price-v1");
  const { json: module } = await app.ask("POST", "/replays/modules", { body });
  const other = await replayed(app, { function: "notes", against: module });
  const effects = other.report.groups.flatMap(({ changes }: Json) =>
    changes.filter(({ aspect }: Json) => aspect === "effect"),
  );
  assert.ok(effects.length > 0);
  for (const { change, what } of effects) assert.match(`${change} ${what}`, /^removed kv\.set a/);
  const { json } = await noted("get a");
  assert.match(json.invocations[0].output, /^get: 3/, "replays have written nothing");
});
